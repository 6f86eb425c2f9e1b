"""`intake status`, `intake reconcile` and `intake import --answered`, as a person types them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.imap import connect
from intake.pipeline import process, receive_mail
from intake.sources.mailbox import MailboxSource
from storage.database import open_engine
from storage.store import Store
from tests.builders import mail, mailbox_settings, make_config, make_house, shop_settings
from tests.commands import Installation, make_mbox
from tests.servers import Dovecot

MAILBOX = """
[shops.mailbox]
host = "127.0.0.1"
port = {port}
security = "plain"
username = "{user}"
password_env = "INTAKE_TEST_PASSWORD"
start = "all"
"""
MAILS = [mail(message_id=f"<m{number}@example.com>", sender=f"k{number}@example.com") for number in range(7)]


@pytest.fixture
def installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    return Installation(tmp_path, capsys)


def test_status_of_an_installation_where_all_is_well(installation: Installation) -> None:
    installation.take_in(*MAILS)
    said = installation.intake("status")
    assert said.code == 0
    assert "7 cases open; 0 arrivals wait to be processed" in said.out
    value = installation.intake("status", "--json").value
    assert (value["cases_open"], value["alarms"]) == (7, [])


def test_status_tells_programs_all_that_it_shows(installation: Installation) -> None:
    installation.take_in(*MAILS[:2])
    value = installation.intake("status", "--json").value
    assert value["cases"]["sis"] == {"overdue": 2, "today": 0, "tomorrow": 0, "this week": 0, "later": 0, "to post": 0}
    assert value["without_draft"] == value["not_delivered"] == value["uncertain"] == []
    assert (value["service"]["running"], value["database"]["kind"]) == (False, "sqlite")
    assert value["disk"]["free_mb"] > 0
    assert value["parts"] == value["mailboxes"] == value["post_folders"] == []


def test_a_change_of_the_calendar_moves_no_date_and_check_lists_what_it_would_touch(installation: Installation) -> None:
    installation.take_in(MAILS[0])
    assert "the open cases have the dates" in installation.intake("check").out
    written = installation.config.read_text().replace(
        'prefix = "SIS"', 'prefix = "SIS"\ncalendar = { closed = [2026-09-09] }'
    )
    installation.config.write_text(written)
    said = installation.intake("check").out
    assert "SIS-2026-0001 2026-09-11 (now it would be 2026-09-14)" in said
    assert installation.intake("cases", "--json").value[0]["due_on"] == "2026-09-11"


def test_a_mailbox_that_is_not_polled_is_told_and_changes_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Installation(tmp_path, capsys, MAILBOX.format(port=9, user="mirjam"))
    here.take_in(mail())
    engine = open_engine(f"sqlite:///{tmp_path / 'var' / 'intake.db'}")
    Store(engine).beat("mailbox sis", datetime(2026, 1, 1, tzinfo=UTC), "127.0.0.1 does not answer.")
    engine.dispose()
    said = here.intake("status")
    assert said.code == 1
    assert "mailbox sis: it was not polled for" in " ".join(said.err.split())
    assert "does not answer" in said.err


def test_history_comes_in_without_drafts_and_can_be_begun_again(installation: Installation) -> None:
    box = make_mbox(installation.folder / "old.mbox", MAILS)
    said = installation.intake("import", "--answered", "--json", box)
    assert said.value == {"read": 7, "new": 7, "processed": 7, "failures": []}
    assert installation.intake("cases", "--json").value == []
    answered = installation.intake("cases", "--state", "answered", "--json").value
    assert len(answered) == 7
    shown = installation.intake("show", answered[0]["reference"], "--json").value
    assert (shown["drafts"], shown["effects"]) == ([], [])
    more = make_mbox(installation.folder / "more.mbox", [*MAILS, mail(message_id="<new@example.com>")])
    assert installation.intake("import", "--json", more).value["new"] == 1
    assert len(installation.intake("cases", "--json").value) == 1


def test_a_customer_who_writes_on_after_history_was_brought_in_opens_his_case_again(installation: Installation) -> None:
    first = make_mbox(installation.folder / "old.mbox", [mail()])
    installation.intake("import", "--answered", "--json", first)
    later = mail(
        "Het is nog steeds niet opgelost.", message_id="<later@example.com>", in_reply_to="<first@example.com>"
    )
    installation.intake("import", "--json", installation.write("later.eml", later))
    (case,) = installation.intake("cases", "--json").value
    assert case["reference"].endswith("-0001")
    assert len(installation.intake("show", case["reference"], "--json").value["drafts"]) == 1


def test_reconcile_tells_a_good_mailbox_from_one_with_mail_that_was_not_read(
    dovecot: Dovecot,
    mail_user: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTAKE_TEST_PASSWORD", Dovecot.PASSWORD)
    here = Installation(tmp_path, capsys, MAILBOX.format(port=dovecot.port, user=mail_user))
    append(dovecot, mail_user, MAILS[0])
    mailbox = mailbox_settings(dovecot.port, mail_user)
    config = make_config(tmp_path / "var", "", [shop_settings(mailbox=mailbox)])
    with make_house(config) as house:
        (shop,) = house.config.shops
        assert shop.mailbox is not None
        with connect(shop.mailbox) as session:
            receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
        process(house)
    said = here.intake("reconcile")
    assert (said.code, "1 of 1 messages are accounted for" in said.out) == (0, True)
    append(dovecot, mail_user, MAILS[1])
    said = here.intake("reconcile", "--json")
    assert said.code == 1
    assert [item["why"] for item in said.value[0]["unaccounted"]] == ["not read yet"]
    assert "k1@example.com" in here.intake("reconcile").out


def append(dovecot: Dovecot, user: str, raw: bytes) -> None:
    client = dovecot.client(user)
    client.append("INBOX", raw)
    client.logout()
