"""Real servers for the tests: a Dovecot and a PostgreSQL of their own, on loopback, in a temporary folder.

They are ended by the process id that they wrote or were given, never by name.
"""

import atexit
import contextlib
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imapclient
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START_SECONDS = 20
PATIENCE = 3  # of what is waited for: a test machine may be busy with others
DOVECOT_CONFIG = """
base_dir={run}
state_dir={run}
log_path={dir}/log
protocols=imap
listen=127.0.0.1
ssl=no
disable_plaintext_auth=no
auth_failure_delay=0
default_internal_user={user}
default_internal_group={group}
default_login_user={user}
mail_location=maildir:{dir}/mail/%n
mail_home={dir}/mail/%n
mail_max_userip_connections=500
first_valid_uid=0
passdb {{
 driver=static
 args=password=secret
}}
userdb {{
 driver=static
 args=uid={user} gid={group} home={dir}/mail/%n
}}
namespace inbox {{
 inbox=yes
 separator=/
 mailbox Drafts {{
  auto=create
  special_use=\\Drafts
 }}
 mailbox Sent {{
  auto=create
  special_use=\\Sent
 }}
}}
service imap-login {{
 chroot=
 inet_listener imap {{
  port={port}
 }}
 inet_listener imaps {{
  port=0
 }}
}}
service anvil {{
 chroot=
 unix_listener anvil-auth-penalty {{
  mode=0
 }}
}}
service stats {{
 chroot=
}}
{extra}
"""


# Beside the static passdb, which goes on to take passwords. Each token is asked for at the introspection endpoint.
OAUTH_CONFIG = """
auth_mechanisms=plain login oauthbearer xoauth2
passdb {{
 driver=oauth2
 mechanisms=xoauth2 oauthbearer
 args={file}
}}
"""
INTROSPECTION = """
introspection_mode=post
introspection_url={url}
client_id=dovecot
client_secret=dovecot-secret
username_attribute=email
username_format=%u
active_attribute=active
active_value=true
force_introspection=yes
"""


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition, what: str, seconds: float = START_SECONDS) -> None:
    """Wait for a condition to hold, looking often; fails loudly after `seconds`, and on a busy machine after more."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


class Dovecot:
    """A Dovecot whose users' password is `secret`. Any user name will do: its mailbox is made at the first sign-in."""

    PASSWORD = "secret"

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.folder = folder
        # Short: the path of a Unix socket has 108 bytes at most, and pytest's folders can be deep.
        self._run = Path(tempfile.mkdtemp(prefix="intake-dv-"))
        atexit.register(shutil.rmtree, self._run, ignore_errors=True)
        self.port = free_port()
        self._extra = extra

    def start(self) -> None:
        user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        group = "nogroup" if os.getuid() == 0 else str(os.getgid())
        config = self.folder / "dovecot.conf"
        settings = {"dir": self.folder, "user": user, "group": group, "port": self.port, "extra": self._extra}
        settings["run"] = self._run
        config.write_text(DOVECOT_CONFIG.format(**settings))
        (self.folder / "mail").mkdir(exist_ok=True)
        if os.getuid() == 0:
            _open_path(self.folder)
            for path in (self._run, self.folder, *self.folder.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        # Not with pipes: the daemon would keep them open, and whoever reads them would wait for ever.
        with (self.folder / "start.log").open("wb") as log:
            subprocess.run([*as_user, "dovecot", "-c", str(config)], check=True, stdout=log, stderr=log)
        wait_until(self._listens, f"Dovecot on port {self.port}")

    def stop(self) -> None:
        pid_file = self._run / "master.pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            group = os.getpgid(pid)
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not pid_file.exists(), "Dovecot to stop")
            if group == pid:
                # Sessions that are open outlive their master; whoever pulls the server away means them too.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)

    def client(self, user: str) -> imapclient.IMAPClient:
        """A signed-in IMAP client, as a mail program would have."""
        client = imapclient.IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(user, self.PASSWORD)
        return client

    def doveadm(self, *command: str) -> None:
        """What only the server's administrator can do to a mailbox."""
        subprocess.run(["doveadm", "-c", str(self.folder / "dovecot.conf"), *command], check=True, capture_output=True)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def oauth_dovecot(folder: Path, introspection_url: str) -> Dovecot:
    """A Dovecot that also takes access tokens which an introspection endpoint (RFC 7662) calls active. Not started."""
    file = folder / "oauth2.conf.ext"
    file.write_text(INTROSPECTION.format(url=introspection_url))
    return Dovecot(folder, OAUTH_CONFIG.format(file=file))


def fill_maildir(server: Dovecot, user: str, folder: str, mails: Iterable[tuple[bytes, datetime]]) -> None:
    """Write mails with their INTERNALDATE straight into a user's folder ("" for INBOX, else Maildir++'s name), before
    Dovecot has seen it: much faster than APPEND."""
    owner = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()
    base = server.folder / "mail" / user
    place = base / folder
    for path in (base, place, *(place / name for name in ("cur", "new", "tmp"))):
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, owner, -1)
    for number, (raw, at) in enumerate(mails):
        path = place / "cur" / f"{1_700_000_000 + number}.M{number}.host,S={len(raw)}:2,S"
        path.write_bytes(raw)
        os.utime(path, (at.timestamp(), at.timestamp()))


def certificate(folder: Path, days: int = 30) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, valid for `days` (negative: it expired), and its key."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


def _open_path(folder: Path) -> None:
    """Let another user pass through the temporary folders above."""
    for parent in folder.parents:
        if parent.owner() == pwd.getpwuid(os.getuid()).pw_name and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A throw-away PostgreSQL; yields the URL of its administrator's database."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        raise FileNotFoundError("PostgreSQL is not installed; `make test` installs it, or names the package")
    where = binaries[-1].parent
    port = free_port()
    as_user: dict[str, object] = {}
    if os.getuid() == 0:
        _open_path(folder)
        shutil.chown(folder, "postgres", "postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data = folder / "data"
    initialise = [str(where / "initdb"), "-U", "app", "-A", "trust", "-N", "-E", "UTF8", "-D", str(data)]
    subprocess.run(initialise, check=True, capture_output=True, cwd="/", **as_user)  # type: ignore[call-overload]
    options = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    options += ["-c", "max_connections=200"]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(  # type: ignore[call-overload]
        [str(where / "postgres"), "-D", str(data), "-p", str(port), *options], cwd="/", stderr=log, **as_user
    )
    try:
        wait_until(lambda: _accepts(port), f"PostgreSQL on port {port}")
        yield f"postgresql+psycopg://app@127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(START_SECONDS)
        log.close()


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="app", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(server: str, name: str, template: str = "template0") -> str:
    """A new database on a server of `postgresql`, empty or a copy of another one; its URL."""
    port = int(server.rpartition(":")[2])
    connection = psycopg.connect(host="127.0.0.1", port=port, user="app", dbname="postgres", autocommit=True)
    with connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    connection.close()
    return f"{server}/{name}"
