"""Signing in with access tokens to a real Dovecot, which asks a token server about each of them."""

import logging
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from intake.config import Mailbox
from intake.errors import ServerError, SignInError
from intake.imap import connect
from intake.oauth import Tokens, account_of
from tests.builders import mailbox_settings
from tests.commands import Installation
from tests.servers import Dovecot, oauth_dovecot
from tests.token_server import SECRET, TokenServer

CONFIG = """
[shops.mailbox]
host = "127.0.0.1"
port = {port}
security = "plain"
username = "{user}"

[shops.mailbox.oauth]
provider = "other"
client_id = "intake-app"
client_secret_file = "secret"
{more}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture(scope="module")
def token_dovecot(provider: TokenServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    server = oauth_dovecot(tmp_path_factory.mktemp("oauth"), provider.url("introspect"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def user(provider: TokenServer, mail_user: str) -> str:
    """A mail user of this test alone, known to a provider that behaves."""
    provider.user = mail_user
    provider.life = 3600
    provider.asked.clear()
    return mail_user


def a_mailbox(dovecot: Dovecot, provider: TokenServer, user: str, folder: Path, **oauth: object) -> Mailbox:
    settings = provider.settings(tokens_file=folder / "tokens" / "sis.json", **oauth)
    access = {**mailbox_settings(dovecot.port, user), "oauth": settings}
    del access["password"]
    return Mailbox.model_validate(access)


def signed_in(mailbox: Mailbox, provider: TokenServer, user: str) -> dict[str, str]:
    """As after `intake auth`, an hour before the token expires; what was granted."""
    granted = provider.granted(user)
    now = datetime.now(UTC)
    tokens = Tokens(**granted, renew_at=now + timedelta(minutes=55), expires_at=now + timedelta(hours=1))
    assert mailbox.oauth is not None
    account_of(mailbox, mailbox.oauth).save(tokens)
    return granted


def can_read(mailbox: Mailbox) -> bool:
    with connect(mailbox) as session:
        return session.select("INBOX").messages == 0


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_an_application_signs_in_by_itself(
    mechanism: str, token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    own = {"grant": "client-credentials", "mechanism": mechanism}
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path, **own)
    assert can_read(mailbox)
    assert can_read(mailbox)
    assert provider.grants() == ["client_credentials"]
    assert provider.introspected[-1] in provider.active
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_a_person_who_signed_in_once_is_signed_in_for_good(
    mechanism: str, token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path, mechanism=mechanism)
    signed_in(mailbox, provider, user)
    provider.active.clear()
    assert can_read(mailbox)
    assert provider.grants() == ["refresh_token"]


def test_a_token_that_was_revoked_early_is_replaced_once(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path)
    granted = signed_in(mailbox, provider, user)
    assert can_read(mailbox)
    assert provider.grants() == []
    provider.active.pop(granted["access_token"])
    assert can_read(mailbox)
    assert provider.grants() == ["refresh_token"]
    assert granted["refresh_token"] not in provider.refresh_tokens


def test_a_server_that_takes_no_token_is_asked_twice_and_no_more(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path)
    signed_in(mailbox, provider, "somebody-else")
    asked = len(provider.introspected)
    with pytest.raises(SignInError, match="does not accept its access token") as error:
        connect(mailbox)
    assert len(provider.introspected) - asked == 2
    assert "username" in error.value.next_step


def test_a_token_server_that_is_away_is_no_wrong_credential(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path, token_url="http://127.0.0.1:9/token")
    signed_in(mailbox, provider, "somebody-else")
    with pytest.raises(ServerError, match="does not answer") as error:
        connect(mailbox)
    assert not isinstance(error.value, SignInError)


def test_a_mail_server_that_cannot_look_just_now_has_refused_nothing(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path)
    signed_in(mailbox, provider, user)
    provider.introspects = False
    try:
        with pytest.raises(ServerError, match="cannot sign us in just now") as error:
            connect(mailbox)
    finally:
        provider.introspects = True
    assert not isinstance(error.value, SignInError)
    assert provider.grants() == []
    assert can_read(mailbox)


def test_a_dead_token_is_an_alarm_on_its_mailbox_alone(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    dead = a_mailbox(token_dovecot, provider, f"{user}-dead", tmp_path / "dead")
    alive = a_mailbox(token_dovecot, provider, user, tmp_path / "alive")
    gone = signed_in(dead, provider, f"{user}-dead")
    signed_in(alive, provider, user)
    provider.active.pop(gone["access_token"])
    provider.refresh_tokens.pop(gone["refresh_token"])
    for _ in range(3):
        with pytest.raises(SignInError, match="no longer valid") as error:
            connect(dead)
        assert can_read(alive)
    assert f"{user}-dead at 127.0.0.1" in error.value.what
    assert error.value.next_step == "Run `intake auth sis`."
    assert provider.grants() == ["refresh_token"]


def test_a_server_without_the_mechanism_is_named(
    dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    with pytest.raises(SignInError, match="does not offer XOAUTH2"):
        connect(a_mailbox(dovecot, provider, user, tmp_path))
    assert provider.asked == []


def test_a_used_refresh_token_is_refused_by_the_provider_and_ours_is_the_new_one(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path
) -> None:
    provider.life = 0
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path)
    signed_in(mailbox, provider, user)
    provider.active.clear()
    assert [can_read(mailbox) for _ in range(3)] == [True] * 3
    sent = [form["refresh_token"] for form in provider.asked]
    assert len(set(sent)) == 3
    assert not set(sent) & set(provider.refresh_tokens)


def test_passwords_go_on_to_work_beside_tokens(token_dovecot: Dovecot, user: str) -> None:
    token_dovecot.client(user).logout()
    client = IMAPClient("127.0.0.1", token_dovecot.port, ssl=False, timeout=20)
    with pytest.raises(LoginError):
        client.login(user, "wrong")
    client.shutdown()


def test_no_token_stands_in_a_log_at_any_level(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = a_mailbox(token_dovecot, provider, user, tmp_path)
    caplog.set_level(logging.DEBUG)
    granted = signed_in(mailbox, provider, user)
    provider.active.pop(granted["access_token"])
    assert can_read(mailbox)
    secret = [*granted.values(), *provider.active, *provider.refresh_tokens, SECRET]
    assert caplog.records
    assert not [line for line in caplog.text.splitlines() if any(token in line for token in secret)]


def install(folder: Path, capsys: pytest.CaptureFixture[str], port: int, user: str, more: str) -> Installation:
    (folder / "secret").write_text(f"{SECRET}\n")
    return Installation(folder, capsys, CONFIG.format(port=port, user=user, more=more))


def test_the_auth_command_walks_a_person_through_a_code(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.device_answers[:] = ["authorization_pending"]
    addresses = f'device_url = "{provider.url("device")}"\ntoken_url = "{provider.url("token")}"'
    installation = install(tmp_path, capsys, token_dovecot.port, user, addresses)
    said = installation.intake("auth", "sis")
    assert said.code == 0, said
    assert "Open https://sign-in.example.com/device on any device, and enter the code WDJB-MJHT" in said.out
    assert f"Signed in to {user} at 127.0.0.1; INBOX holds 0 messages." in said.out
    file = tmp_path / "var" / "tokens" / "sis.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    (refresh_token,) = [token for token, owner in provider.refresh_tokens.items() if owner == user]
    assert refresh_token in file.read_text()
    assert refresh_token not in said.out + said.err
    assert "signed in; INBOX holds 0 messages" in installation.intake("check").out


def test_the_auth_command_says_when_the_person_refuses(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.device_answers[:] = ["access_denied"]
    addresses = f'device_url = "{provider.url("device")}"\ntoken_url = "{provider.url("token")}"'
    said = install(tmp_path, capsys, token_dovecot.port, user, addresses).intake("auth", "sis")
    assert said.code == 1
    assert "was refused (access_denied). Run `intake auth sis`." in said.err
    assert not (tmp_path / "var" / "tokens" / "sis.json").exists()


def test_the_auth_command_for_an_application_only_tries(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = f'grant = "client-credentials"\ntoken_url = "{provider.url("token")}"'
    said = install(tmp_path, capsys, token_dovecot.port, user, more).intake("auth", "sis")
    assert said.code == 0, said
    assert f"Signed in to {user} at 127.0.0.1" in said.out


def test_the_auth_command_walks_a_person_through_the_browser(
    token_dovecot: Dovecot, provider: TokenServer, user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command runs in a process of its own; the test is the person, and the browser."""
    more = f'authorize_url = "{provider.url("authorize")}"\ntoken_url = "{provider.url("token")}"'
    config = install(tmp_path, capsys, token_dovecot.port, user, more).config
    words = [sys.executable, "-m", "intake", "--config", str(config), "auth", "sis"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as command:
        try:
            assert command.stdout is not None
            address = next(line.strip() for line in command.stdout if line.startswith(provider.url("authorize")))
            query = parse_qs(urlsplit(address).query)
            assert query["code_challenge_method"] == ["S256"]
            forged = f"{query['redirect_uri'][0]}?code=forged&state=guessed"
            assert b"go back to the terminal" in urllib.request.urlopen(forged, timeout=10).read()
            assert b"go back to the terminal" in urllib.request.urlopen(address, timeout=10).read()
            assert f"Signed in to {user} at 127.0.0.1" in command.stdout.read()
            assert command.wait(20) == 0
        finally:
            command.kill()
    assert provider.grants() == ["authorization_code"]
