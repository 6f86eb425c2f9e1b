"""Encrypted connections to a real Dovecot: verified by default, by a private authority when named, never unverified."""

import subprocess
from collections.abc import Iterator

import pytest

from intake.config import Mailbox
from intake.errors import ServerError
from intake.imap import connect
from tests.servers import Dovecot, free_port

IMAPS_PORT = free_port()


@pytest.fixture(scope="module")
def secure_dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A Dovecot with a certificate for 127.0.0.1 that only its own authority vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    settings = f"ssl=yes\nssl_cert=<{certificate}\nssl_key=<{key}\nssl_dh=\n"
    settings += f"service imap-login {{\n inet_listener imaps {{\n  port={IMAPS_PORT}\n  ssl=yes\n }}\n}}\n"
    server = Dovecot(folder, settings)
    server.start()
    yield server
    server.stop()


def mailbox(server: Dovecot, user: str, **changes: object) -> Mailbox:
    settings = {"host": "127.0.0.1", "port": IMAPS_PORT, "username": user, "password": "secret", **changes}
    return Mailbox.model_validate({"ca_file": server.folder / "cert.pem", "timeout_seconds": 10, **settings})


def test_tls_with_a_named_authority_works(secure_dovecot: Dovecot, mail_user: str) -> None:
    with connect(mailbox(secure_dovecot, mail_user)) as session:
        assert session.select("INBOX").messages == 0


def test_starttls_upgrades_before_the_password_is_sent(secure_dovecot: Dovecot, mail_user: str) -> None:
    with connect(mailbox(secure_dovecot, mail_user, security="starttls", port=secure_dovecot.port)) as session:
        assert session.select("INBOX").messages == 0


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    security: str, secure_dovecot: Dovecot, mail_user: str
) -> None:
    port = IMAPS_PORT if security == "tls" else secure_dovecot.port
    with pytest.raises(ServerError, match="certificate is not trusted"):
        connect(mailbox(secure_dovecot, mail_user, security=security, port=port, ca_file=None))


def test_a_certificate_for_another_host_is_refused(secure_dovecot: Dovecot, mail_user: str) -> None:
    with pytest.raises(ServerError, match="certificate is not trusted"):
        connect(mailbox(secure_dovecot, mail_user, host="localhost"))
