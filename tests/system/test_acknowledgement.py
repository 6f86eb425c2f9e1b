"""An acknowledgement and the manager's own folders, on a real Dovecot: one copy in Sent, or a draft."""

from pathlib import Path

import pytest

from intake.pipeline import deliver
from tests.builders import mailbox_settings
from tests.counter import counter
from tests.servers import Dovecot
from tests.smtp_sink import smtp_sink


def folder(dovecot: Dovecot, user: str, name: str) -> dict[str, tuple[bytes, ...]]:
    """What lies in a folder: Message-ID and flags."""
    client = dovecot.client(user)
    client.select_folder(name, readonly=True)
    found = client.fetch(client.search() or "1:*", ["ENVELOPE", "FLAGS"]) if client.search() else {}
    client.logout()
    return {row[b"ENVELOPE"].message_id.decode(): tuple(row[b"FLAGS"]) for row in found.values()}


@pytest.mark.system
@pytest.mark.parametrize("filed_already", [False, True], ids=["the server files nothing", "the server files it itself"])
def test_what_was_sent_lies_once_in_sent_as_read(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, filed_already: bool
) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user)
    with smtp_sink() as sink, counter(tmp_path, sink, mailbox=mailbox) as shop:
        shop.complain()
        shop.send()
        if filed_already:
            client = dovecot.client(mail_user)
            client.append("Sent", sink.taken[0].raw, [b"\\Seen"])
            client.logout()
        deliver(shop.house, shop.shop)
        token = shop.acknowledgement().token
        assert shop.effect("file sent").state.value == "done"
    sent = folder(dovecot, mail_user, "Sent")
    assert list(sent) == [token]
    assert b"\\Seen" in sent[token]


@pytest.mark.system
@pytest.mark.parametrize("outgoing", [True, False], ids=["as the shop wants it", "for want of a server"])
def test_an_acknowledgement_lies_in_drafts_where_it_is_not_sent(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, outgoing: bool
) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user)
    wanted = {"acknowledge": "draft"} if outgoing else {}
    with smtp_sink() as sink, counter(tmp_path, sink if outgoing else None, mailbox=mailbox, **wanted) as shop:
        shop.complain()
        assert shop.send() == 0
        deliver(shop.house, shop.shop)
        tokens = {draft.token for draft in shop.file().drafts}
    assert set(folder(dovecot, mail_user, "Drafts")) == tokens
    assert len(tokens) == 2
    assert sink.taken == []
