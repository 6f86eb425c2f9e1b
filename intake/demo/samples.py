"""Sample post for the demo: mails and scanned letters, as they reach the manager of a shop.

The texts lie in `mail/` and `letters/` beside this module; they are real in form and invented in content. This
module only sets their dates, so that the sample post is fresh whenever the demo starts. It refuses to touch a
mailbox that holds mail already, and it judges nothing: which of the mails are complaints is for Intake to find out.
"""

import mailbox
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

SHOP_ZONE = ZoneInfo("Europe/Amsterdam")
DELIVERY_WEEKDAYS = (1, 2, 3, 4, 5)  # Tuesday to Saturday, as the Dutch post delivers
DAYS_IN_THE_POST = 2

_HERE = Path(__file__).parent
MAIL_FOLDER = _HERE / "mail"
LETTER_FOLDER = _HERE / "letters"


@dataclass(frozen=True)
class _Delivery:
    """One arrival: the file, and how long before now it came. A copy that a server delivers once more is dated
    as the first one was."""

    file: str
    before: timedelta
    copy_of: timedelta | None = None

    @property
    def dated(self) -> timedelta:
        return self.copy_of or self.before


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)


# In order of arrival; none so old that its answer could be due.
_DELIVERIES = (
    _Delivery("01-niet-geleverd.eml", _hours(26)),
    _Delivery("11-nieuwsbrief.eml", _hours(25.2)),
    _Delivery("04-widerruf-erstattung.eml", _hours(23.6)),
    _Delivery("03-damaged-with-photo.eml", _hours(22.3)),
    _Delivery("05-produit-defectueux.eml", _hours(20.9)),
    _Delivery("16-en-retard-sans-message-id.eml", _hours(18.4)),
    _Delivery("02-vervolg-op-01.eml", _hours(7.5)),
    _Delivery("06-dubbel-betaald.eml", _hours(6.8)),
    _Delivery("06-dubbel-betaald.eml", _hours(6.6), copy_of=_hours(6.8)),
    _Delivery("10-afwezig.eml", _hours(5.7)),
    _Delivery("09-onbestelbaar.eml", _hours(5.1)),
    _Delivery("07-verkeerd-artikel-alleen-html.eml", _hours(4.4)),
    _Delivery("12-beschadigde-opbouw.eml", _hours(3.2)),
    _Delivery("14-onbeleefd-geen-reactie.eml", _hours(2.3)),
    _Delivery("15-nicht-wie-beschrieben.eml", _hours(1.5)),
    _Delivery("13-dangerous-charger.eml", _hours(0.4)),
)


def sample_mail(now: datetime) -> list[tuple[datetime, bytes]]:
    """Each mail of the demo with the moment it arrived, oldest first; `now` is aware.

    One mail stands in the list twice, as when a server delivers it again.
    """
    return [(now - each.before, _dated(each.file, now - each.dated)) for each in _DELIVERIES]


def seed_mailbox(maildir: Path, now: datetime) -> int:
    """Fills the INBOX of an empty Maildir (made if it is not there) with the sample mail; returns how many.

    The file dates are the moments of arrival, which the demo's server shows as INTERNALDATE. A Maildir that holds
    mail is left as it is, and 0 returned. Seed before the server starts: it then numbers the mail in order.
    """
    maildir.parent.mkdir(parents=True, exist_ok=True)
    box = mailbox.Maildir(maildir, create=True)
    if len(box):
        return 0
    mails = sample_mail(now)
    for arrived, content in mails:
        key = box.add(content)
        os.utime(maildir / "new" / key, (arrived.timestamp(), arrived.timestamp()))
    return len(mails)


def seed_letters(incoming: Path, now: datetime) -> int:
    """Puts the scanned letters into `incoming` as a scanner's software does; returns how many it put there.

    Each record comes before its scan, and both appear under their names only when they are complete. Letters that
    still lie there are not written again.
    """
    incoming.mkdir(parents=True, exist_ok=True)
    received = _delivery_day(now)
    letters = [record for record in _records() if not (incoming / record.name).exists()]
    for record in letters:
        _put(incoming / record.name, _with_days(record.read_bytes(), received))
        scan = _scan_of(record)
        _put(incoming / scan.name, scan.read_bytes())
    return len(letters)


def _dated(file: str, at: datetime) -> bytes:
    date_header = format_datetime(at.astimezone(SHOP_ZONE))
    return (MAIL_FOLDER / file).read_bytes().replace(b"@DATE@", date_header.encode("ascii"))


def _delivery_day(now: datetime) -> date:
    """The last day, up to today in the shop's zone, on which the postman came."""
    day = now.astimezone(SHOP_ZONE).date()
    while day.weekday() not in DELIVERY_WEEKDAYS:
        day -= timedelta(days=1)
    return day


def _with_days(record: bytes, received: date) -> bytes:
    written = received - timedelta(days=DAYS_IN_THE_POST)
    return record.replace(b"@RECEIVED_ON@", received.isoformat().encode()).replace(
        b"@LETTER_DATE@", written.isoformat().encode()
    )


def _records() -> list[Path]:
    return sorted(LETTER_FOLDER.glob("*.json"))


def _scan_of(record: Path) -> Path:
    (scan,) = (path for path in LETTER_FOLDER.glob(f"{record.stem}.*") if path != record)
    return scan


def _put(target: Path, content: bytes) -> None:
    part = target.with_name(target.name + ".part")
    part.write_bytes(content)
    part.replace(target)
