"""The command that signs a person in to a mailbox: `auth`."""

from typing import Annotated

import typer
from rich.markup import escape

from intake.bootstrap import clock, make_private
from intake.cli.app import app, load, out
from intake.config import Mailbox, OAuth, missing_secrets
from intake.errors import ConfigError, UsageError
from intake.imap import connect
from intake.oauth import Listener, Provider, Tokens, account_of

PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Where the browser comes back on this machine; default: a free port.")
]


@app.command()
def auth(
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="The id of the mailbox's shop.")],
    port: PortOption = 0,
) -> None:
    """Sign in once to a mailbox that wants OAuth 2, also while Intake runs; says what to do, and waits."""
    config = load()
    place = config.shops.index(config.shop(mailbox))
    chosen = config.shops[place].mailbox
    if chosen is None or chosen.oauth is None:
        raise UsageError(f"The mailbox of shop {mailbox} has no oauth section.", "It signs in with its password.")
    missing = [line for line in missing_secrets(config) if line.startswith(f"shops[{place}].mailbox.oauth")]
    if missing:
        raise ConfigError("Secrets are missing:", tuple(missing))
    if chosen.oauth.grant == "device":
        make_private(config.data / "tokens")
        account_of(chosen, chosen.oauth).save(_walk(chosen, chosen.oauth, port))
    with connect(chosen) as session:
        messages = session.select(chosen.folder).messages
    _say(f"Signed in to {chosen.account}; {chosen.folder} holds {messages} messages.")


def _walk(mailbox: Mailbox, settings: OAuth, port: int) -> Tokens:
    """Walk a person through the sign-in: with a code where the provider has that, else over the browser."""
    provider = Provider(settings, mailbox.account)
    if settings.endpoint("device_url"):
        code = provider.ask_device_code(clock())
        _say(f"Open {code.address} on any device, and enter the code {code.user_code}")
        minutes = max(1, int((code.expires_at - clock()).total_seconds() / 60))
        _say(f"Sign in there as {mailbox.username}. The code is good for {minutes} minutes; waiting…")
        return provider.await_device(code, clock)
    try:
        listener = Listener(port)
    except OSError as error:
        raise UsageError(f"Port {port} cannot be used: {error.strerror}.", "Choose another with --port.") from error
    with listener:
        begun = provider.begin_browser(listener)
        _say(f"Open this address in a browser on this machine, and sign in as {mailbox.username}:\n{begun.address}")
        _say(f"From elsewhere, first: ssh -L {listener.port}:127.0.0.1:{listener.port} THIS-MACHINE. Waiting…")
        return provider.await_browser(begun, listener, clock)


def _say(text: str) -> None:
    out.print(escape(text), highlight=False, soft_wrap=True)
