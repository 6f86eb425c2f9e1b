"""Made-up complaints: what templates are checked and previewed with. With many facts, with few, and hostile ones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time

from intake.config import DisputeBody, Shop
from intake.deadlines import add_business_days
from intake.replies.compose import FINAL, OUTCOMES, Complaint
from intake.types import Categorisation, Channel, Facts, Language

# A date of every length is in it: Wednesday 30 September, of which the answer falls in October.
DAY = date(2026, 9, 30)
WORDS = {
    "nl": ("Pakket niet in orde", "Ik ben hier niet tevreden over en hoor graag wat u eraan gaat doen."),
    "en": ("Parcel not in order", "I am not happy with this and would like to hear what you will do about it."),
    "de": ("Paket nicht in Ordnung", "Ich bin damit nicht zufrieden und möchte wissen, was Sie dagegen tun."),
    "fr": ("Colis en mauvais état", "Je n’en suis pas satisfait et j’aimerais savoir ce que vous allez faire."),
}
FACTS = Facts(
    order_numbers=("104233",),
    invoice_numbers=("F2026-0815",),
    tracking_numbers=("3SABCD123456789",),
    amounts=("€ 49,95",),
    ibans=("NL91ABNA0417164300",),
)
HOSTILE = "<b>{{ 7*7 }}</b> {% raw %} [gap?] \u202e\x00 \"'&" + "W" * 300
LABELS = ("safety", "threat", "privacy_request", "withdrawal")


def sample(language: str, category: str, channel: Channel, shop: Shop) -> Complaint:
    """A complaint of which much is known."""
    subject, text = WORDS[language]
    now = datetime.combine(DAY, time(18, 30), shop.zone)
    return Complaint(
        reference=f"{shop.prefix}-2026-0042",
        channel=channel,
        customer="A. de Boer",
        subject=subject,
        text=text,
        received_on=DAY,
        due_on=add_business_days(DAY, shop.promise.business_days, shop.calendar),
        language=Language(language, 1.0, True),
        categorisation=Categorisation(category),
        category_name=category,
        facts=FACTS,
        now=now,
        first_received_on=DAY,
        proposed_on=add_business_days(DAY, shop.promise.business_days + shop.promise.holding_days, shop.calendar),
    )


def bare(complaint: Complaint) -> Complaint:
    """The same of which nothing is known."""
    return replace(complaint, customer="", subject="", text="", facts=Facts(), proposed_on=None)


def hostile(complaint: Complaint) -> Complaint:
    """The same by somebody who means harm, with every label."""
    odd = (HOSTILE,)
    return replace(
        complaint,
        customer=HOSTILE,
        subject=HOSTILE,
        text=f"{HOSTILE} {HOSTILE}",
        facts=Facts(order_numbers=odd, invoice_numbers=odd, tracking_numbers=odd, amounts=odd),
        categorisation=Categorisation(complaint.categorisation.category, LABELS),
    )


def samples(kind: str, category: str, language: str, shop: Shop) -> Iterator[tuple[Complaint, Shop]]:
    """Everything that a template of this kind must be able to answer, for the shop as it is and as it could be."""
    without = shop.model_copy(update={"dispute_bodies": ()})
    told = DisputeBody(
        id="sample",
        name="Sample",
        address="Street 1, Town",
        website="https://example.com",
        takes_part=True,
        term_months=1,
    )
    full = shop.model_copy(
        update={
            "dispute_bodies": (told,),
            "phone": shop.phone.model_copy(update={"opens": time(9), "closes": time(17)}),
        }
    )
    for channel in (Channel.MAIL, Channel.LETTER):
        known = sample(language, category, channel, shop)
        for outcome in ("", *OUTCOMES) if kind == FINAL else ("",):
            decided = replace(known, outcome=outcome)
            yield decided, shop
            yield bare(decided), without
            yield hostile(decided), full
            yield replace(decided, now=datetime.combine(DAY, time(10), shop.zone)), full
