"""The outgoing mail server. This version only finds out what it offers; sending comes with acknowledgements."""

import smtplib
import ssl

from intake.config import Outgoing, Security
from intake.errors import ServerError, SignInError

FEATURES_THAT_MATTER = ("starttls", "auth", "size", "8bitmime", "smtputf8")


def probe(outgoing: Outgoing) -> tuple[str, ...]:
    """Connect, protect the connection, sign in, and hang up; the features that matter. Raises `ServerError`."""
    host, port = outgoing.address
    where = f"{outgoing.username or 'anonymous'} at {host}:{port}"
    context = ssl.create_default_context(cafile=str(outgoing.ca_file) if outgoing.ca_file else None)
    try:
        with _connected(outgoing, context) as server:
            server.ehlo()
            if outgoing.security is Security.STARTTLS:
                server.starttls(context=context)
                server.ehlo()
            if outgoing.username and outgoing.password:
                server.login(outgoing.username, outgoing.password.get_secret_value())
            return tuple(name for name in FEATURES_THAT_MATTER if server.has_extn(name))
    except smtplib.SMTPAuthenticationError as error:
        raise SignInError(f"{where} does not accept the user name and password.", "Check them.") from error
    except ssl.SSLCertVerificationError as error:
        raise ServerError(f"{where}: its certificate is not trusted ({error.verify_message}).") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise ServerError(f"{where}: {' '.join(str(error).split()) or type(error).__name__}.") from error


def _connected(outgoing: Outgoing, context: ssl.SSLContext) -> smtplib.SMTP:
    host, port = outgoing.address
    if outgoing.security is Security.TLS:
        return smtplib.SMTP_SSL(host, port, timeout=outgoing.timeout_seconds, context=context)
    return smtplib.SMTP(host, port, timeout=outgoing.timeout_seconds)
