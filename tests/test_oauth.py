"""Tokens: asked for once, renewed in time, kept safely; and what is said when a provider does not play along."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from intake.config import Mailbox, OAuth, load_config, missing_secrets
from intake.errors import ConfigError, ServerError, SignInError
from intake.oauth import Account, Bearer, Listener, Provider, Tokens, account_of
from tests.token_server import CLIENT, DEVICE_GRANT, SECRET, TokenServer

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
WHO = "mirjam@example.nl at imap.example.nl"
MINUTE = timedelta(minutes=1)
SHOP = """
data = "here"
[[shops]]
id = "sis"
name = "Smart Import Solutions"
prefix = "SIS"
manager = { name = "Mirjam", addresses = ["mirjam@example.nl"] }
address = { street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }
phone = { number = "06-29557135" }
[shops.mailbox]
host = "imap.example.nl"
username = "mirjam@example.nl"
"""


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens" / "sis.json"


def settings_for(provider: TokenServer, file: Path, **changes: object) -> OAuth:
    return OAuth.model_validate(provider.settings(tokens_file=file, **changes))


def a_person(provider: TokenServer, file: Path, life: timedelta = 60 * MINUTE) -> Account:
    """The account of somebody who has just signed in."""
    account = Account(settings_for(provider, file), WHO)
    granted = provider.granted()
    account.save(Tokens(**granted, renew_at=NOW + life - 5 * MINUTE, expires_at=NOW + life))
    return account


def on_disk(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text()))


def test_a_token_is_used_until_five_minutes_before_its_end(provider: TokenServer, file: Path) -> None:
    account = a_person(provider, file)
    first = account.access_token(NOW)
    assert account.access_token(NOW + 54 * MINUTE) == first
    assert provider.asked == []
    second = account.access_token(NOW + 55 * MINUTE)
    assert second != first
    assert account.access_token(NOW + 100 * MINUTE) == second
    assert provider.grants() == ["refresh_token"]


def test_a_token_that_lives_for_minutes_is_not_renewed_at_every_use(provider: TokenServer, file: Path) -> None:
    provider.life = 120
    account = a_person(provider, file, timedelta())
    tokens = [account.access_token(NOW + seconds * timedelta(seconds=1)) for seconds in (0, 59, 61)]
    assert tokens[0] == tokens[1] != tokens[2]


def test_the_new_refresh_token_is_on_the_disk_before_the_access_token_is_used(
    provider: TokenServer, file: Path
) -> None:
    account = a_person(provider, file)
    before = on_disk(file)["refresh_token"]
    token = account.access_token(NOW + 56 * MINUTE)
    assert on_disk(file)["access_token"] == token
    assert on_disk(file)["refresh_token"] in provider.refresh_tokens
    assert before not in provider.refresh_tokens
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in file.parent.iterdir()) == ["sis.json", "sis.lock"]
    assert Account(settings_for(provider, file), WHO).access_token(NOW + 56 * MINUTE) == token


def test_a_tokens_file_that_cannot_be_read_is_named(provider: TokenServer, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(ServerError, match=r"cannot be kept in .*sis\.json: Is a directory"):
        Account(settings_for(provider, file), WHO).access_token(NOW)


def test_a_rotated_token_survives_a_disk_that_is_full_for_a_while(
    provider: TokenServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = a_person(provider, file)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        for _ in range(2):
            with pytest.raises(ServerError, match="No space left on device"):
                account.access_token(NOW + 56 * MINUTE)
    assert provider.grants() == ["refresh_token"]
    token = account.access_token(NOW + 56 * MINUTE)
    assert provider.grants() == ["refresh_token"]
    assert on_disk(file)["access_token"] == token
    assert on_disk(file)["refresh_token"] in provider.refresh_tokens


def test_a_provider_that_keeps_its_refresh_token_is_asked_with_it_again(provider: TokenServer, file: Path) -> None:
    provider.rotates = False
    account = a_person(provider, file)
    kept = on_disk(file)["refresh_token"]
    assert account.access_token(NOW + 56 * MINUTE) != account.access_token(NOW + 200 * MINUTE)
    assert on_disk(file)["refresh_token"] == kept


@pytest.mark.parametrize("grant", ["device", "client-credentials"])
def test_many_threads_that_ask_at_once_renew_once(grant: str, provider: TokenServer, file: Path) -> None:
    a_person(provider, file)
    account = Account(settings_for(provider, file, grant=grant), WHO)
    provider.slow.clear()
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(account.access_token(NOW + 56 * MINUTE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    provider.slow.set()
    for thread in threads:
        thread.join(20)
    assert len(got) == 8
    assert len(set(got)) == 1
    assert len(provider.grants()) == 1


def test_two_threads_whose_token_was_refused_replace_it_once(provider: TokenServer, file: Path) -> None:
    account = a_person(provider, file)
    refused = account.access_token(NOW)
    assert account.access_token(NOW, rejected=refused) == account.access_token(NOW, rejected=refused) != refused
    assert provider.grants() == ["refresh_token"]


RENEW = """
import sys
from datetime import datetime
from pathlib import Path
from intake.config import OAuth
from intake.oauth import Account
settings = OAuth(provider="other", client_id="intake-app", client_secret="client-secret-value",
                 token_url=sys.argv[1], device_url=sys.argv[1], tokens_file=Path(sys.argv[2]))
print("ready", flush=True)
print(Account(settings, "mirjam").access_token(datetime.fromisoformat(sys.argv[3])))
"""


def test_processes_that_ask_at_once_renew_once(provider: TokenServer, file: Path) -> None:
    a_person(provider, file)
    provider.slow.clear()
    later = (NOW + 56 * MINUTE).isoformat()
    words = [sys.executable, "-c", RENEW, provider.url("token"), str(file), later]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 3
    provider.slow.set()
    tokens = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert tokens == {on_disk(file)["access_token"]}
    assert provider.grants() == ["refresh_token"]


def test_a_sign_in_by_another_process_is_noticed_at_once(provider: TokenServer, file: Path) -> None:
    account = a_person(provider, file)
    provider.refresh_tokens.clear()
    with pytest.raises(SignInError, match="no longer valid"):
        account.access_token(NOW + 56 * MINUTE)
    a_person(provider, file)
    assert account.access_token(NOW + 56 * MINUTE) in provider.active


def test_a_dead_token_says_which_mailbox_and_what_to_do_and_is_not_asked_for_again_at_once(
    provider: TokenServer, file: Path
) -> None:
    account = a_person(provider, file)
    dead = on_disk(file)["refresh_token"]
    provider.refresh_tokens.clear()
    for minutes in (56, 57, 70):
        with pytest.raises(SignInError) as error:
            account.access_token(NOW + minutes * MINUTE)
    assert error.value.what == f"The sign-in to {WHO} is no longer valid (invalid_grant, AADSTS700082)."
    assert error.value.next_step == "Run `intake auth sis`."
    assert len(provider.asked) == 1
    assert dead not in f"{error.value!r}{error.value.__cause__!r}"
    with pytest.raises(SignInError):
        account.access_token(NOW + 72 * MINUTE)
    assert len(provider.asked) == 2


def test_nobody_has_signed_in_yet(provider: TokenServer, file: Path) -> None:
    with pytest.raises(SignInError, match=r"Nobody has signed in to mirjam.*Run `intake auth sis`"):
        Account(settings_for(provider, file), WHO).access_token(NOW)
    assert provider.asked == []


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"access_token": 1, "refresh_token": 2, "renew_at": "", "expires_at": ""}',
        b'{"access_token": "a b", "refresh_token": "r", "renew_at": "2026-01-01", "expires_at": "2026-01-01"}',
        b'{"access_token": "a", "refresh_token": "r", "renew_at": "0001-01-01T00:00+23:00", "expires_at": ""}',
        b"x" * 1_000_000,
    ],
)
def test_a_damaged_file_asks_for_a_new_sign_in(content: bytes, provider: TokenServer, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(SignInError, match=r"is damaged\. Run `intake auth sis`"):
        Account(settings_for(provider, file), WHO).access_token(NOW)


def test_a_file_from_a_clock_that_was_wrong_is_renewed(provider: TokenServer, file: Path) -> None:
    account = a_person(provider, file)
    first = account.access_token(NOW)
    assert account.access_token(NOW - timedelta(days=400)) != first


def test_a_provider_that_is_away_costs_nothing_while_the_token_lasts(provider: TokenServer, file: Path) -> None:
    account = a_person(provider, file)
    first = account.access_token(NOW)
    port = provider.port
    provider.stop()
    assert account.access_token(NOW + 59 * MINUTE) == first
    with pytest.raises(ServerError, match="does not answer") as error:
        account.access_token(NOW + 61 * MINUTE)
    assert not isinstance(error.value, SignInError)
    provider.start(port)
    assert account.access_token(NOW + 62 * MINUTE) in provider.active


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"no"),
        (503, b'{"error": "temporarily_unavailable"}'),
        (400, b'{"error": "temporarily_unavailable"}'),
        (429, b"<html>slow down</html>"),
        (302, b""),
        (307, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b"[" * 60_000),
        (200, b" " * 70_000 + b'{"access_token": "a", "token_type": "Bearer", "expires_in": 3600}'),
        (200, b'{"access_token": "a\\r\\nb", "token_type": "Bearer"}'),
        (200, b'{"access_token": ["a"], "token_type": "Bearer"}'),
        (200, b'{"access_token": "a", "token_type": "mac"}'),
        (200, b'{"access_token": "a", "refresh_token": {"b": 1}}'),
        (200, b'{"access_token": "a", "expires_in": "soon"}'),
        (200, b'{"access_token": "a", "expires_in": 1e999}'),
        (200, b'{"access_token": "a", "expires_in": NaN}'),
        (200, b'{"access_token": "' + b"a" * 20_000 + b'"}'),
    ],
)
def test_an_answer_that_cannot_be_used_is_tried_again(
    status: int, body: bytes, provider: TokenServer, file: Path
) -> None:
    account = a_person(provider, file)
    before = file.read_bytes()
    provider.answers.append((status, body))
    with pytest.raises(ServerError) as error:
        account.access_token(NOW + 61 * MINUTE)
    assert not isinstance(error.value, SignInError)
    assert file.read_bytes() == before
    assert account.access_token(NOW + 61 * MINUTE) in provider.active


def test_an_answer_that_trickles_in_does_not_hold_its_mailbox(
    provider: TokenServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = a_person(provider, file)
    provider.trickles = True
    monkeypatch.setattr("intake.oauth.provider.ANSWER_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(ServerError, match="does not answer"):
        account.access_token(NOW + 61 * MINUTE)
    assert time.monotonic() - began < 12


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope", "a\x1b[31m strange one"])
def test_a_provider_that_refuses_the_settings_is_no_server_that_is_away(
    code: str, provider: TokenServer, file: Path
) -> None:
    account = Account(settings_for(provider, file, grant="client-credentials"), WHO)
    told = {"error": code, "error_description": f"the secret {SECRET} is wrong"}
    provider.answers.append((401, json.dumps(told).encode()))
    with pytest.raises(SignInError, match="Check the settings") as error:
        account.access_token(NOW)
    assert SECRET not in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(("told", "minutes"), [("7200", 119), (None, 59), (10**12, 24 * 60 - 1), (1800.5, 30)])
def test_a_life_that_is_told_oddly_is_understood(told: object, minutes: int, provider: TokenServer, file: Path) -> None:
    provider.life = told
    account = Account(settings_for(provider, file, grant="client-credentials"), WHO)
    first = account.access_token(NOW)
    provider.stop()
    assert account.access_token(NOW + minutes * MINUTE) == first


def test_an_application_s_own_token_is_never_on_the_disk(provider: TokenServer, file: Path) -> None:
    account = Account(settings_for(provider, file, grant="client-credentials"), WHO)
    assert account.access_token(NOW) == account.access_token(NOW + 30 * MINUTE)
    assert provider.asked == [{"grant_type": "client_credentials", "scope": "imap offline_access"}]
    assert not file.parent.exists()


@pytest.mark.parametrize(("name", "secret"), [("other", None), ("google", "post"), ("other", "basic")])
def test_the_client_shows_itself_as_the_provider_wants_it(
    name: str, secret: str | None, provider: TokenServer, file: Path
) -> None:
    changes = {"provider": name, "client_secret": SECRET if secret else None, "tokens_file": file}
    account = Account(OAuth.model_validate(provider.settings(**changes)), WHO)
    granted = provider.granted()
    account.save(Tokens(**granted, renew_at=NOW, expires_at=NOW))
    assert account.access_token(NOW) in provider.active
    (form,) = provider.asked
    assert form.get("client_secret") == (SECRET if secret == "post" else None)
    assert form.get("client_id") == (None if secret == "basic" else CLIENT)
    assert "scope" not in form


def test_the_secrets_stand_in_no_repr(provider: TokenServer, file: Path) -> None:
    settings = settings_for(provider, file)
    granted = provider.granted()
    shown = f"{settings!r}{Tokens(**granted, renew_at=NOW, expires_at=NOW)!r}"
    shown += repr(Provider(settings, WHO).ask_device_code(NOW))
    assert not [secret for secret in (SECRET, *granted.values(), "device-") if secret in shown]


def test_a_mailbox_has_one_account_however_often_it_is_asked_for(provider: TokenServer, file: Path) -> None:
    def mailbox(user: str) -> Mailbox:
        return Mailbox.model_validate(
            {"host": "imap.example.nl", "username": user, "oauth": settings_for(provider, file)}
        )

    def account(user: str) -> Account:
        found = mailbox(user)
        assert found.oauth is not None
        return account_of(found, found.oauth)

    assert account("mirjam") is account("mirjam")
    assert account("mirjam") is not account("other")


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = NOW
        self.pauses: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=max(seconds, 0.001))


def walk(provider: TokenServer, file: Path, clock: Clock) -> Tokens:
    asker = Provider(settings_for(provider, file), WHO)
    return asker.await_device(asker.ask_device_code(clock()), clock, clock.pause)


def test_a_device_sign_in_waits_for_the_person_and_slows_down_when_asked(provider: TokenServer, file: Path) -> None:
    provider.interval, clock = 5, Clock()
    provider.device_answers[:] = ["authorization_pending", "slow_down", "authorization_pending"]
    tokens = walk(provider, file, clock)
    assert clock.pauses == [5, 5, 10, 10]
    assert provider.grants() == [DEVICE_GRANT] * 4
    assert tokens.access_token in provider.active
    assert tokens.refresh_token in provider.refresh_tokens
    assert tokens.access_token not in repr(tokens)


@pytest.mark.parametrize(
    ("code", "said"),
    [("access_denied", "was refused"), ("authorization_declined", "was refused"), ("expired_token", "in time")],
)
def test_a_device_sign_in_that_ends_badly_says_so(code: str, said: str, provider: TokenServer, file: Path) -> None:
    provider.device_answers[:] = ["authorization_pending", code]
    with pytest.raises(SignInError, match=said):
        walk(provider, file, Clock())


def test_a_device_sign_in_ends_with_its_code_whatever_the_server_says(provider: TokenServer, file: Path) -> None:
    provider.interval, provider.device_life, clock = 7, 30, Clock()
    provider.device_answers[:] = ["authorization_pending"] * 100
    with pytest.raises(SignInError, match="in time"):
        walk(provider, file, clock)
    assert clock.pauses == [7] * 5


def test_a_device_sign_in_bears_with_a_provider_that_is_away_for_a_while(provider: TokenServer, file: Path) -> None:
    clock = Clock()
    asker = Provider(settings_for(provider, file), WHO)
    code = asker.ask_device_code(clock())
    provider.answers[:] = [(503, b""), (502, b"")]
    assert asker.await_device(code, clock, clock.pause).access_token in provider.active
    assert clock.pauses == [0, 2, 4]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"device_code": "d", "user_code": "A\x1b[2J", "verification_uri": "https://example.com", "expires_in": 60},
        {"device_code": "d", "user_code": "A", "verification_uri": "h" * 9999, "expires_in": 60},
        {"device_code": "d", "user_code": "A", "verification_uri": "https://example.com", "expires_in": "x"},
    ],
)
def test_what_a_person_should_see_is_looked_at_first(
    answer: dict[str, object], provider: TokenServer, file: Path
) -> None:
    provider.answers.append((200, json.dumps(answer).encode()))
    with pytest.raises(ServerError, match="cannot be used"):
        Provider(settings_for(provider, file), WHO).ask_device_code(NOW)


def test_a_provider_without_refresh_tokens_cannot_be_used(provider: TokenServer, file: Path) -> None:
    provider.answers[:] = [(200, b'{"access_token": "a", "token_type": "Bearer", "expires_in": 3600}')]
    with pytest.raises(SignInError, match="no refresh token"):
        Provider(settings_for(provider, file), WHO).ask(NOW, grant_type=DEVICE_GRANT, device_code="d")


def browse(listener: Listener, path: str) -> Callable[[], bytes]:
    """A browser on its way, in a thread; gives what it was shown."""
    shown: list[bytes] = []

    def go() -> None:
        command = [sys.executable, "-c", "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read())"]
        done = subprocess.run([*command, listener.address + path], capture_output=True, timeout=30, check=False)
        shown.append(done.stdout + done.stderr)

    thread = threading.Thread(target=go)
    thread.start()

    def result() -> bytes:
        thread.join(30)
        return shown[0]

    return result


def test_a_browser_that_comes_back_with_another_state_is_passed_over(provider: TokenServer, file: Path) -> None:
    settings = settings_for(provider, file, device_url="", authorize_url=provider.url("authorize"))
    with Listener() as listener:
        asker = Provider(settings, WHO)
        begun = asker.begin_browser(listener)
        shown = browse(listener, "?code=forged&state=guessed")
        with pytest.raises(SignInError, match="in time"):
            asker.await_browser(begun, listener, lambda: NOW, 2)
        assert b"go back" in shown()
    assert provider.asked == []
    assert begun.verifier not in repr(begun)


def test_a_person_who_refuses_in_the_browser_is_told_so(provider: TokenServer, file: Path) -> None:
    settings = settings_for(provider, file, device_url="", authorize_url=provider.url("authorize"))
    with Listener() as listener:
        asker = Provider(settings, WHO)
        begun = asker.begin_browser(listener)
        shown = browse(listener, f"?error=access_denied&state={begun.state}")
        with pytest.raises(SignInError, match="was refused"):
            asker.await_browser(begun, listener, lambda: NOW, 20)
        assert b"go back" in shown()


def test_google_is_asked_over_the_browser_for_a_lasting_grant_with_a_proof(file: Path) -> None:
    settings = OAuth(provider="google", client_id="app", tokens_file=file)
    with Listener() as listener:
        begun = Provider(settings, WHO).begin_browser(listener)
    assert begun.address.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    for part in ("scope=https%3A%2F%2Fmail.google.com%2F", "access_type=offline", "code_challenge_method=S256"):
        assert part in begun.address
    assert f"redirect_uri=http%3A%2F%2F127.0.0.1%3A{listener.port}%2F" in begun.address
    assert begun.verifier not in begun.address
    assert settings.endpoint("device_url") == ""


def test_the_token_is_shown_once_and_the_refusal_is_acknowledged() -> None:
    google, standard = Bearer("xoauth2", "m@example.nl", "T"), Bearer("oauthbearer", "a=b,c@example.nl", "T")
    assert [google(b""), google(b'{"status":"401"}')] == [b"user=m@example.nl\1auth=Bearer T\1\1", b""]
    assert [standard(b""), standard(b"{}")] == [b"n,a=a=3Db=2Cc@example.nl,\1auth=Bearer T\1\1", b"\1"]


def test_microsoft_has_its_own_addresses_and_scopes() -> None:
    person = OAuth(provider="microsoft", tenant="example.nl", client_id="app")
    application = OAuth(provider="microsoft", tenant="example.nl", client_id="app", grant="client-credentials")
    base = "https://login.microsoftonline.com/example.nl/oauth2/v2.0"
    assert (person.endpoint("token_url"), person.endpoint("device_url")) == (f"{base}/token", f"{base}/devicecode")
    assert person.scopes == "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    assert application.scopes == "https://outlook.office365.com/.default"


def test_a_shop_that_sends_with_its_mailboxs_tokens_asks_for_that_too(tmp_path: Path) -> None:
    oauth = '[shops.mailbox.oauth]\nprovider = "microsoft"\ntenant = "example.nl"\nclient_id = "app"\n'
    sends = '[shops.outgoing]\nhost = "smtp.example.nl"\nsender = "mirjam@example.nl"\nusername = "mirjam@example.nl"\n'
    with_tokens, with_password = load(tmp_path, f"{oauth}{sends}oauth = true\n"), load(tmp_path, oauth + sends)
    asked = []
    for config in (with_tokens, with_password):
        assert config.shops[0].mailbox is not None
        assert config.shops[0].mailbox.oauth is not None
        asked.append("SMTP.Send" in config.shops[0].mailbox.oauth.scopes)
    assert asked == [True, False]
    assert missing_secrets(with_tokens) == []
    assert len(missing_secrets(with_password)) == 1


@pytest.mark.parametrize("more", ['password_env = "X"\n', ""], ids=["a password beside it", "a mailbox without tokens"])
def test_tokens_for_sending_are_the_mailboxs_and_take_the_passwords_place(tmp_path: Path, more: str) -> None:
    oauth = '[shops.mailbox.oauth]\nprovider = "google"\nclient_id = "app"\n' if more else ""
    outgoing = f'[shops.outgoing]\nhost = "smtp.example.nl"\nsender = "mirjam@example.nl"\noauth = true\n{more}'
    with pytest.raises(ConfigError, match="outgoing"):
        load(tmp_path, oauth + outgoing)


def load(folder: Path, oauth: str, **environ: str):
    path = folder / "config.toml"
    path.write_text(SHOP + oauth)
    return load_config(path, environ)


def test_the_section_takes_its_secret_from_outside_and_knows_its_tokens_file(tmp_path: Path) -> None:
    text = '[shops.mailbox.oauth]\nprovider = "google"\nclient_id = "app"\nclient_secret_env = "APP"\n'
    config = load(tmp_path, text, APP="hush")
    assert config.shops[0].mailbox is not None
    oauth = config.shops[0].mailbox.oauth
    assert oauth is not None
    assert oauth.client_secret is not None
    assert oauth.client_secret.get_secret_value() == "hush"
    assert oauth.tokens_file == tmp_path / "here" / "tokens" / "sis.json"
    assert "hush" not in repr(config)
    assert missing_secrets(config) == []


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ('provider = "google"', []),
        (
            'provider = "google"\nclient_secret_env = "APP"',
            ["shops[0].mailbox.oauth: no client secret; set the environment variable APP"],
        ),
        (
            'provider = "microsoft"\ntenant = "example.nl"\ngrant = "client-credentials"',
            [
                "shops[0].mailbox.oauth: no client secret; name an environment variable in client_secret_env, "
                "or a file in client_secret_file"
            ],
        ),
    ],
)
def test_a_secret_that_is_needed_and_not_there_is_named(more: str, missing: list[str], tmp_path: Path) -> None:
    assert missing_secrets(load(tmp_path, f'[shops.mailbox.oauth]\nclient_id = "app"\n{more}\n')) == missing


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ('provider = "yahoo"', "provider: found 'yahoo'; should be one of 'microsoft', 'google' or 'other'"),
        ('provider = "microsoft"', "tenant: found ''; should be the id or domain of the organisation"),
        ('provider = "microsoft"\ntenant = "a/b"', "tenant: found 'a/b'"),
        (
            'provider = "google"\ngrant = "client-credentials"',
            "grant: found 'client-credentials'; should be \"device\"",
        ),
        ('provider = "other"', "token_url: found ''; should be the address of the provider's token endpoint"),
        ('provider = "other"\ntoken_url = "https://example.com/t"', "should be accompanied by device_url"),
        ('provider = "google"\ntoken_url = "http://example.com/t"', "token_url: found 'http://example.com/t'"),
        ('provider = "google"\ntoken_url = "https://me:pw@example.com/t"', "token_url: found"),
        ('provider = "google"\ntoken_url = "https://[::1/t"', "token_url: found"),
        ('provider = "google"\nmechanism = "plain"', "mechanism: found 'plain'"),
        ('provider = "google"\ntokens_file = "x"', "tokens_file: there is no such setting; remove it"),
        ('provider = "google"\nsends = true', "sends: there is no such setting; remove it"),
        ('provider = "google"\nclient_secret = "hush"', "client_secret: secrets do not stand in this file"),
        ('provider = "google"\nclient_idd = "x"', "client_idd: there is no such setting; did you mean 'client_id'?"),
    ],
)
def test_mistakes_in_the_section_are_told_with_their_path(more: str, mistake: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, f'[shops.mailbox.oauth]\nclient_id = "app"\n{more}\n')
    assert any(line.startswith("shops[0].mailbox.oauth.") and mistake in line for line in error.value.mistakes)
    assert "hush" not in str(error.value)


def test_a_secret_in_the_place_of_a_variable_s_name_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, '[shops.mailbox.oauth]\nprovider = "google"\nclient_id = "app"\nclient_secret_env = "h~u-s.h"\n')
    assert "client_secret_env: should be the name of an environment variable" in str(error.value)
    assert "h~u-s.h" not in str(error.value)


def test_a_mailbox_signs_in_one_way_or_the_other(provider: TokenServer, file: Path) -> None:
    settings = {"host": "imap.example.nl", "username": "m", "password_env": "PW", "oauth": provider.settings()}
    with pytest.raises(ValidationError, match="tokens take the password's place"):
        Mailbox.model_validate(settings)
