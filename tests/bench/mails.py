"""Mails for measuring: small ones, and ones as they really lie in a mailbox.

A mail of today comes through four servers, is signed, and says everything twice, in plain text and in HTML; every tenth
has a photo, every fifth quotes what it answers.
"""

import base64
import hashlib
import os
import shutil
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import format_datetime

from tests.builders import MONDAY, mail
from tests.servers import Dovecot

SMALL = (
    "Beste Mirjam,\n\nOp 3 september bestelde ik bij u een waterkoker (bestelnummer 104233-{n}). Die is nog steeds niet"
    " geleverd, terwijl het bedrag van € 49,95 al is afgeschreven. Ik heb twee keer gebeld, maar er werd niet"
    " opgenomen.\n\nIk hoor graag wanneer het pakket komt. Anders wil ik mijn geld terug op NL91 ABNA 0417 1643 00.\n\n"
    "Met vriendelijke groet,\n\nKlant {n}\nKerkstraat 5\n1017 GA Amsterdam\n06-12345678\n"
)
STORY = (
    "Drie weken geleden kreeg ik een bericht dat de bezorger onderweg was. Ik ben die dag thuisgebleven, maar er kwam"
    " niemand. In de app stond daarna dat het pakket bij de buren lag. De buren weten van niets."
)
HISTORY = "Op ma 7 sep. 2026 om 10:00 schreef Klantenservice <info@example.nl>:\n\n> Dank voor uw bericht.\n> " + STORY
STYLE = "font-family:Calibri,Arial,sans-serif;font-size:11.0pt;color:#1f1f1f;margin:0cm 0cm 8.0pt 0cm"
RECEIVED = (
    "from mail{hop}.example.com (mail{hop}.example.com [192.0.2.{hop}]) by mx{hop}.example.nl (Postfix) with ESMTPS "
    "id 4B{n:08d} for <mirjam@example.nl>; Mon, 07 Sep 2026 10:0{hop}:00 +0000 (UTC)"
)


def small(number: int) -> bytes:
    """A mail of 1 kB: plain text and the fewest headers."""
    sender = f"Klant {number} <k{number}@example.com>"
    return mail(SMALL.format(n=number), message_id=f"<s{number}@example.com>", sender=sender)


def usual(number: int) -> bytes:
    """A mail as it really comes, of 10 kB; one in ten of 90 kB."""
    message = EmailMessage()
    for hop in range(4, 0, -1):
        message["Received"] = RECEIVED.format(hop=hop, n=number)
    message["Authentication-Results"] = "mx4.example.nl; dkim=pass header.d=example.com; spf=pass; dmarc=pass"
    message["DKIM-Signature"] = _signature(number)
    message["From"] = f"Klant {number} <k{number}@example.com>"
    message["To"], message["Subject"] = "mirjam@example.nl", f"Waterkoker niet geleverd, bestelling 104{number:05d}"
    message["Date"], message["Message-ID"] = format_datetime(MONDAY), f"<u{number}@example.com>"
    text = f"{SMALL.format(n=number)}\n{STORY}\n"
    if number % 5 == 0:
        message["In-Reply-To"] = message["References"] = f"<unknown{number}@example.nl>"
        text += f"\n{HISTORY}\n"
    message.set_content(text)
    message.add_alternative(_html(text), subtype="html")
    if number % 10 == 0:
        message.add_attachment(os.urandom(60_000), maintype="image", subtype="jpeg", filename="foto.jpg")
    return message.as_bytes()


def put(dovecot: Dovecot, user: str, mails: Iterable[bytes]) -> int:
    """Lay mails into a user's INBOX as files, which is a hundred times faster than APPEND; how many."""
    dovecot.client(user).logout()
    folder = dovecot.folder / "mail" / user / "new"
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, raw in enumerate(mails, 1):
        path = folder / f"{1_700_000_000 + count}.M{count}P1.bench"
        path.write_bytes(raw)
        if os.getuid() == 0:
            shutil.chown(path, "nobody", "nogroup")
    if os.getuid() == 0:
        for path in (folder, folder.parent):
            shutil.chown(path, "nobody", "nogroup")
    return count


def _html(text: str) -> str:
    lines = "".join(
        f'<p class="MsoNormal" style="{STYLE}"><span>{line or "&nbsp;"}</span></p>' for line in text.split("\n")
    )
    return f"<html><head><style>p.MsoNormal {{{STYLE}}}</style></head><body><div>{lines}</div></body></html>"


def _signature(number: int) -> str:
    digest = base64.b64encode(hashlib.sha512(str(number).encode()).digest() * 4).decode()
    return f"v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=from:to:subject; b={digest}"
