"""Our own Message-IDs: only we can make them, for one shop and one case."""

from hypothesis import given
from hypothesis import strategies as st

from intake.rules.tokens import make_token, read_token

KEY, NONCE = b"k" * 32, "8f3a91c2"
TOKEN = make_token(KEY, "sis", "SIS-2026-0042", NONCE, "example.nl")


def test_a_token_gives_back_its_reference() -> None:
    assert read_token(KEY, "sis", TOKEN) == "SIS-2026-0042"


def test_a_mail_program_that_changes_the_domain_does_no_harm() -> None:
    assert read_token(KEY, "sis", TOKEN.replace("example.nl", "mx.example.com")) == "SIS-2026-0042"


def test_a_token_of_another_shop_key_or_case_is_not_ours() -> None:
    assert read_token(KEY, "other", TOKEN) is None
    assert read_token(b"x" * 32, "sis", TOKEN) is None
    assert read_token(KEY, "sis", TOKEN.replace("0042", "0043")) is None
    assert read_token(KEY, "sis", TOKEN.replace(NONCE, "8f3a91c3")) is None


@given(st.text(max_size=80))
def test_nothing_else_is_a_token(text: str) -> None:
    assert read_token(KEY, "sis", text) is None
    assert read_token(KEY, "sis", f"<SIS-2026-0042.{NONCE}.{text}@example.nl>") is None
