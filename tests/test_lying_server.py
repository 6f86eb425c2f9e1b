"""One mail that a server does not deliver must not hold up the others, nor be lost without a word."""

from pathlib import Path

import pytest

from intake.errors import ServerError
from intake.imap import connect
from intake.pipeline import House, process, receive_mail
from intake.sources.mailbox import MailboxSource
from tests.builders import MONDAY, fates, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.lying_imap import LyingServer, lying_server

POLLS = 20


def mails(count: int) -> list[bytes]:
    return [mail(message_id=f"<m{n}@example.com>", sender=f"K <k{n}@example.com>") for n in range(1, count + 1)]


def house_of(server: LyingServer, tmp_path: Path):
    mailbox = mailbox_settings(server.port, "k", timeout_seconds=5)
    return make_house(make_config(tmp_path, "", [shop_settings(mailbox=mailbox)]), MONDAY)


def poll_until_quiet(house: House, source: MailboxSource) -> int:
    """Poll as the watcher does, a new connection after each failure; how many polls failed."""
    (shop,) = house.config.shops
    failed = 0
    for _ in range(POLLS):
        try:
            with connect(source.mailbox) as session:
                receive_mail(house, shop, source, session)
        except ServerError:
            failed += 1
        else:
            return failed
    raise AssertionError("the mailbox is still blocked")


FAULTS = ("refuses", "silent", "cuts")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mail_that_the_server_never_delivers_is_passed_in_the_end_and_told(fault: str, tmp_path: Path) -> None:
    with lying_server(*mails(6)) as server, house_of(server, tmp_path) as house:
        getattr(server, fault).update({2, 5})
        (shop,) = house.config.shops
        assert shop.mailbox is not None
        failed = poll_until_quiet(house, MailboxSource(shop.mailbox, shop.zone))
        process(house)
        assert failed >= 2
        assert fates(house.store) == ["opened"] * 6
        told = [case.attention for case in house.store.list_cases() if case.attention]
        assert len(told) == 2
        assert all("does not deliver this mail" in marks[0] for marks in told)
        assert len({line.arrival.uid for line in house.store.list_arrivals()}) == 6


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_loses_and_doubles_nothing(fault: str, tmp_path: Path) -> None:
    with lying_server(*mails(4)) as server, house_of(server, tmp_path) as house:
        (shop,) = house.config.shops
        assert shop.mailbox is not None
        source = MailboxSource(shop.mailbox, shop.zone)
        getattr(server, fault).add(3)
        with pytest.raises(ServerError), connect(shop.mailbox) as session:
            receive_mail(house, shop, source, session)
        getattr(server, fault).clear()
        assert poll_until_quiet(house, source) == 0
        process(house)
        assert fates(house.store) == ["opened"] * 4
        assert not any(case.attention for case in house.store.list_cases())
