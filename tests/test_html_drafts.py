"""A draft with HTML beside its text, in the manager's own Drafts: appended, and taken back while nobody touched it."""

from email import message_from_bytes, policy
from pathlib import Path

from intake.imap import connect
from intake.outlets.drafts_folder import DraftsFolder
from intake.pipeline import process, receive_files
from intake.pipeline.delivering import deliver, draft_mail
from intake.sources.files import FoundMail
from tests.builders import COMPLAINT, MONDAY, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot


def test_a_draft_with_html_is_appended_and_taken_back_and_survives_a_wrong_layout(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "mail.html.j2").write_text("{{ contents }}", encoding="utf-8")  # wrong: the delivered one takes its place
    mailbox = mailbox_settings(dovecot.port, mail_user)
    shop_of = shop_settings(mailbox=mailbox, format="html", templates=own)
    with make_house(make_config(tmp_path / "data", "", [shop_of]), MONDAY) as house:
        (shop,) = house.config.shops
        asked = mail(f"{COMPLAINT}\n<script>alert(1)</script>")
        for _ in receive_files(house, shop, iter([FoundMail("x.eml", asked)])):
            process(house)
        deliver(house, shop)
        ((draft, case),) = house.store.drafts_with_cases([1]).values()
        raw = draft_mail(house, draft, case)
        assert shop.mailbox is not None
        with connect(shop.mailbox) as session:
            folder = DraftsFolder(session, shop.mailbox)
            assert folder.has(draft.token, draft.anchor)
            assert folder.withdraw(draft.token, raw)
            assert not folder.has(draft.token, draft.anchor)
    message = message_from_bytes(raw, policy=policy.default)
    plain, html = (part.get_content() for part in message.iter_parts())
    assert "> <script>alert(1)</script>" in plain
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<mark>[" in html
    assert raw == draft_mail(house, draft, case)
