"""What is understood of a mail as a whole: whose it is where a colleague sent it on, and what its own words say."""

from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from time import process_time

import pytest

from intake.examine import Examined, Job, Tools, customers_mail
from intake.reading.mail import read_mail
from intake.rules.categories import load_categories
from intake.types import Address, Channel, Message
from tests.builders import COMPLAINT, mail

OWN = frozenset({"example.nl", "mirjam@gmail.com"})
COLLEAGUE = "Piet <piet@example.nl>"
JAN = Address("Jan Jansen", "jan@example.com")
TEN = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
BLOCK = "Van: Jan Jansen <jan@example.com>\nVerzonden: maandag 7 september 2026 10:00\nAan: Smart\nOnderwerp: Pakket"
COLLEAGUES_BLOCK = BLOCK.replace("Jan Jansen <jan@example.com>", COLLEAGUE).replace("Pakket", "FW: Pakket")
CATEGORIES = Path(__file__).resolve().parent.parent / "templates" / "categories.toml"


def job(raw: bytes) -> Job:
    return Job(Channel.MAIL, raw, "", ("nl", "en"), date(2026, 9, 8), own=OWN, zone="Europe/Amsterdam")


def understood(raw: bytes) -> Message:
    return customers_mail(read_mail(raw), job(raw))


def carrying(*inside: bytes, text: str = "Graag oppakken", **headers: str) -> bytes:
    """A mail with other mails attached."""
    message = EmailMessage()
    given = {"from": COLLEAGUE, "to": "klachten@example.nl", "subject": "Klacht", "message-id": "<fwd@example.nl>"}
    for name, value in {**given, **headers}.items():
        message[name.replace("_", "-").title()] = value
    message.set_content(text)
    boundary = b"q%d" % sum(map(len, inside))
    opening = b"\nContent-Type: multipart/mixed; boundary=%s\n\n--%s\nContent-Type: text/plain" % (boundary, boundary)
    raw = message.as_bytes().replace(b"\nContent-Type: text/plain", opening, 1)
    attached = b"".join(b"\n--%s\nContent-Type: message/rfc822\n\n%s" % (boundary, part) for part in inside)
    return raw + attached + b"\n--%s--\n" % boundary


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_categories(CATEGORIES.read_text(encoding="utf-8")))


def test_a_colleagues_inline_forward_is_the_customers_mail() -> None:
    message = understood(mail(f"Graag oppakken.\n\n{BLOCK}\n\nStuk!\n", sender=COLLEAGUE, subject="FW: Pakket"))
    assert (message.sender, message.sent_at, message.text) == (JAN, TEN, "Stuk!")
    assert message.forwarded_by == Address("Piet", "piet@example.nl")
    assert message.forwarded is not None
    assert message.forwarded.note == "Graag oppakken."
    assert message.message_id == "<first@example.com>"


def test_a_colleagues_attached_forward_is_the_customers_mail_with_its_own_id() -> None:
    message = understood(carrying(mail()))
    assert (message.sender, message.text) == (JAN, COMPLAINT.strip())
    assert message.forwarded is not None
    assert (message.forwarded.message_id, message.forwarded.note) == ("<first@example.com>", "Graag oppakken")
    assert [item.media_type for item in message.attachments] == ["message/rfc822"]
    assert message.readable


def test_an_attached_forward_without_a_word_is_readable() -> None:
    message = understood(carrying(mail(), text=""))
    assert (message.sender, message.readable) == (JAN, True)


def test_language_category_and_facts_come_from_the_customers_text(tools: Tools) -> None:
    note = "Kind regards from me, please look at this refund of order 999999 that we never received."
    raw = mail(f"{note}\n\n{BLOCK}\n\n{COMPLAINT}", sender=COLLEAGUE, subject="FW: Pakket")
    examined = tools.examine(job(raw))
    assert (examined.language.code, examined.categorisation.category) == ("nl", "del_none")
    assert examined.facts.order_numbers == ("104233",)


def test_the_subject_of_an_attached_original_counts_too(tools: Tools) -> None:
    examined = tools.examine(job(carrying(mail("Stuk!", subject="Bestelling 104299 kapot"))))
    assert examined.facts.order_numbers == ("104299",)


def test_the_new_text_alone_decides_language_category_and_facts(tools: Tools) -> None:
    old = "\n".join(
        f"> {line}" for line in ("Your parcel with order number 999999 is broken and we refund it.", "Regards")
    )
    attribution = "On Mon, Sep 7, 2026 at 10:00 AM Smart <info@example.nl> wrote:"
    examined: Examined = tools.examine(job(mail(f"{COMPLAINT}\n\n{attribution}\n\n{old}\n")))
    assert (examined.language.code, examined.categorisation.category) == ("nl", "del_none")
    assert examined.facts.order_numbers == ("104233",)


def test_an_inline_chain_of_colleagues_leads_to_the_customer() -> None:
    text = f"Voor jou.\n\n{COLLEAGUES_BLOCK}\n\nKijk jij?\n\n{BLOCK}\n\nStuk!\n"
    message = understood(mail(text, sender="Mirjam <mirjam@example.nl>", subject="FW: FW: Pakket"))
    assert (message.sender, message.text) == (JAN, "Stuk!")
    assert message.forwarded_by == Address("Mirjam", "mirjam@example.nl")


def test_an_attached_chain_of_colleagues_leads_to_the_customer() -> None:
    message = understood(carrying(carrying(carrying(mail()))))
    assert (message.sender, message.text) == (JAN, COMPLAINT.strip())
    assert message.forwarded is not None
    assert message.forwarded.message_id == "<first@example.com>"


def test_an_attached_inline_forward_leads_to_the_customer() -> None:
    inner = mail(f"Kijk jij?\n\n{BLOCK}\n\nStuk!\n", sender=COLLEAGUE, subject="FW: Pakket")
    message = understood(carrying(inner))
    assert (message.sender, message.text) == (JAN, "Stuk!")


def test_an_attached_mail_of_the_shops_form_is_the_customers_in_its_reply_to() -> None:
    form = mail(sender="Webshop <noreply@example.nl>", reply_to="Eva <eva@example.com>")
    assert understood(carrying(form)).sender == Address("Eva", "eva@example.com")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            mail(f"{BLOCK.replace(' <jan@example.com>', '')}\n\nStuk!\n", sender=COLLEAGUE, subject="FW: x"),
            id="no address",
        ),
        pytest.param(mail("Zie bijlage.", sender=COLLEAGUE, subject="Fwd: x"), id="nothing below the note"),
        pytest.param(mail(f"{COLLEAGUES_BLOCK}\n\nStuk!\n", sender=COLLEAGUE, subject="FW: x"), id="colleagues only"),
        pytest.param(carrying(mail(), mail(sender="Eva <eva@example.com>")), id="mails of two customers"),
    ],
)
def test_where_the_customer_cannot_be_told_nothing_is_replaced(raw: bytes) -> None:
    message, plain = understood(raw), read_mail(raw)
    assert message.forwarded is not None
    assert (message.sender, message.text, message.forwarded_by) == (plain.sender, plain.text, None)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(mail("Wie gaat er mee lunchen?", sender=COLLEAGUE, subject="Lunch"), id="a colleague's mail"),
        pytest.param(
            mail(f"Beste Jan.\n\n{BLOCK}\n\nStuk!\n", sender=COLLEAGUE, subject="RE: Pakket"), id="his answer"
        ),
        pytest.param(mail(sender=COLLEAGUE, subject="Fwd: x", reply_to="Eva <eva@example.com>"), id="a form"),
        pytest.param(carrying(mail(), **{"auto-submitted": "auto-generated"}), id="a robot's report"),
        pytest.param(
            mail(f"Zie onder.\n\n{BLOCK}\n\nStuk!\n", sender="eva@example.com", subject="FW: x"), id="a customer's"
        ),
    ],
)
def test_what_no_colleague_forwards_stays_as_it_is(raw: bytes) -> None:
    assert understood(raw) == read_mail(raw)


def test_a_customers_own_forward_is_new_above_and_history_below() -> None:
    message = understood(mail(f"De koerier liegt.\n\n{BLOCK}\n\nBezorgd.\n", sender="eva@example.com", subject="FW: x"))
    assert message.text == "De koerier liegt."
    assert message.quoted.endswith("Bezorgd.")


def test_a_customers_forward_without_a_word_is_all_new() -> None:
    message = understood(mail(f"{BLOCK}\n\nBezorgd.\n", sender="eva@example.com", subject="FW: x"))
    assert message.text.endswith("Bezorgd.")
    attached = understood(carrying(mail(), text="", **{"from": "eva@example.com"}))
    assert (attached.text, attached.readable, attached.forwarded_by) == (COMPLAINT.strip(), True, None)


def test_an_address_at_a_public_provider_is_a_colleague_and_its_neighbours_are_not() -> None:
    text = f"{BLOCK}\n\nStuk!\n"
    assert understood(mail(text, sender="mirjam@gmail.com", subject="FW: x")).sender == JAN
    assert understood(mail(text, sender="eva@gmail.com", subject="FW: x")).forwarded_by is None


def test_without_own_names_nothing_is_unwrapped() -> None:
    raw = mail(f"{BLOCK}\n\nStuk!\n", sender=COLLEAGUE, subject="FW: x")
    bare = Job(Channel.MAIL, raw, "", ("nl",), date(2026, 9, 8))
    assert customers_mail(read_mail(raw), bare) == read_mail(raw)


def test_mails_nested_a_hundred_deep_end() -> None:
    raw = mail()
    for _ in range(100):
        raw = carrying(raw)
    started = process_time()
    assert understood(raw).forwarded is not None
    assert process_time() - started < 8
