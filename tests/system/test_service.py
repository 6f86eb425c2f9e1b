"""`intake run` and `intake demo` as real processes: started, disturbed, stopped, started again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.database import open_engine
from storage.errors import Unavailable
from storage.store import Store
from tests.builders import mail
from tests.servers import Dovecot, wait_until

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 20


def write_config(folder: Path, port: int, user: str, **mailbox: str) -> Path:
    """A configuration file on disk, as a person would write it, with the password in a file."""
    (folder / "password").write_text("secret\n")
    extra = "\n".join(f'{key} = "{value}"' for key, value in mailbox.items())
    path = folder / "config.toml"
    path.write_text(f"""
data = "data"
[logging]
format = "json"
[workers]
processes = 1
[guarantees]
publish = "public"
[[shops]]
id = "sis"
name = "Smart Import Solutions"
prefix = "SIS"
manager = {{ name = "Mirjam", addresses = ["mirjam@example.nl"] }}
address = {{ street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }}
phone = {{ number = "06-29557135" }}
[shops.mailbox]
host = "127.0.0.1"
port = {port}
security = "plain"
username = "{user}"
password_file = "password"
start = "all"
poll_seconds = 1
timeout_seconds = 10
{extra}
""")
    return path


def intake(config: Path, *command: str, log: int = subprocess.STDOUT) -> subprocess.Popen[str]:
    """Start the real command; its log goes where its output goes, unless it is sent elsewhere."""
    return subprocess.Popen(
        [sys.executable, "-m", "intake", "--config", str(config), *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


def answer_of(config: Path, *command: str) -> str:
    """What a command prints; it must succeed."""
    process = intake(config, *command, log=subprocess.PIPE)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, output + errors
    return output


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Stop a process as the system does; what it printed. It must end in time, and well."""
    began = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < STOP_SECONDS, output
    assert process.returncode == 0, output
    return output


def drafts(dovecot: Dovecot, user: str) -> int:
    client = dovecot.client(user)
    count = client.select_folder("Drafts", readonly=True)[b"EXISTS"]
    client.logout()
    return int(count)


def put(dovecot: Dovecot, user: str, *numbers: int) -> None:
    client = dovecot.client(user)
    for number in numbers:
        client.append("INBOX", mail(message_id=f"<m{number}@example.com>", sender=f"K <k{number}@example.com>"))
    client.logout()


@pytest.mark.system
def test_the_service_drafts_within_seconds_refuses_a_second_and_stops_in_time(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, dovecot.port, mail_user)
    put(dovecot, mail_user, 1, 2)
    service = intake(config, "run")
    wait_until(lambda: drafts(dovecot, mail_user) == 2, "two drafts", 30)
    put(dovecot, mail_user, 3)
    wait_until(lambda: drafts(dovecot, mail_user) == 3, "a draft of a mail that came while it runs", 10)
    second = intake(config, "run")
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "Another Intake process" in output
    cases = json.loads(answer_of(config, "cases", "--json"))
    assert [case["reference"][-4:] for case in cases] == ["0001", "0002", "0003"]
    assert (tmp_path / "data" / "calendar" / "sis.ics").read_bytes().startswith(b"BEGIN:VCALENDAR")
    wait_until((tmp_path / "public" / "nl" / "sis.html").exists, "the public pages", 30)
    log = stop(service)
    assert '"event": "started"' in log
    assert "jan@example.com" not in log
    service = intake(config, "run")
    put(dovecot, mail_user, 4)
    wait_until(lambda: drafts(dovecot, mail_user) == 4, "the draft after a second start", 30)
    stop(service, signal.SIGINT)
    assert drafts(dovecot, mail_user) == 4


@pytest.mark.system
def test_a_server_that_goes_away_is_waited_for_and_the_stop_does_not_wait(
    mail_user: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Dovecot(tmp_path_factory.mktemp("away"))
    server.start()
    config = write_config(tmp_path, server.port, mail_user)
    put(server, mail_user, 1)
    service = intake(config, "run")
    try:
        wait_until(lambda: drafts(server, mail_user) == 1, "the first draft", 30)
        server.stop()
        wait_until(lambda: _trouble(config), "the trouble to be noticed", 20)
        server.start()
        put(server, mail_user, 2)
        wait_until(lambda: drafts(server, mail_user) == 2, "the draft after the server came back", 40)
        server.stop()
        log = stop(service)
        assert "mailbox cannot be polled" in log
    finally:
        service.kill()
        server.stop()


def _trouble(config: Path) -> bool:
    store = Store(open_engine(f"sqlite:///{config.parent / 'data' / 'intake.db'}"))
    try:
        return any(beat.trouble for beat in store.heartbeats())
    finally:
        store.engine.dispose()


@pytest.mark.system
def test_poll_once_tells_what_it_did_and_what_stands_in_its_way(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, dovecot.port, mail_user)
    put(dovecot, mail_user, 1)
    told = json.loads(answer_of(config, "poll", "--once", "--json"))
    assert (told["mails"], told["processed"], told["delivered"], told["problems"]) == (1, 1, 1, [])
    (tmp_path / "password").write_text("wrong")
    process = intake(config, "poll", "--once")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "does not accept the user name and password" in " ".join(output.split())


@pytest.mark.system
def test_check_says_in_a_line_what_it_found_on_each_server(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, dovecot.port, mail_user)
    put(dovecot, mail_user, 1)
    told = answer_of(config, "check")
    line = next(line for line in told.splitlines() if "mailbox" in line)
    for words in ("holds 1 messages", "IDLE", "UIDPLUS", "drafts go to Drafts", "sent mail is in Sent"):
        assert words in line


EXPECTED = {"opened": 14, "joined": 1, "duplicate": 1, "set aside": 3}


@pytest.mark.system
def test_the_demo_shows_every_arrival_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    # What the manager is told depends on the hour; it comes back to her mailbox and would be counted.
    config.write_text((ROOT / "config.toml").read_text().replace("\nsend = true\n", "\nsend = false\n"))
    command = ("demo", "--imap-port", "0", "--smtp-port", "0")
    demo = intake(config, *command)
    wait_until(lambda: _fates(config) == EXPECTED and not _waiting(config), "all sample arrivals with drafts", 60)
    scan = next((tmp_path / "var" / "demo" / "post" / "done").rglob("*.pdf"))
    time_to_look = time.monotonic()
    (tmp_path / "var" / "demo" / "post" / "incoming" / "again.pdf").write_bytes(scan.read_bytes() + b"\n%%EOF\n")
    record = '{"schema": "letter-intake/1", "received_on": "2026-01-05"}'
    (tmp_path / "var" / "demo" / "post" / "incoming" / "again.json").write_text(record)
    wait_until(lambda: _fates(config).get("opened") == EXPECTED["opened"] + 1, "the dropped scan", 30)
    assert time.monotonic() - time_to_look < 120
    shown = stop(demo, signal.SIGINT)
    assert len(set(re.findall(r"SIS-2\d{3}-\d{4}", shown))) >= EXPECTED["opened"]
    assert "in Drafts" in shown
    before, beaten = _fates(config), _beat(config)
    demo = intake(config, *command)
    wait_until(lambda: _beat(config) != beaten, "the second start to poll", 30)
    stop(demo, signal.SIGINT)
    assert _fates(config) == before


def _store(config: Path) -> Store:
    return Store(open_engine(f"sqlite:///{config.parent / 'var' / 'demo' / 'intake.db'}"))


def _fates(config: Path) -> dict[str, int]:
    if not (config.parent / "var" / "demo" / "intake.db").exists():
        return {}
    store = _store(config)
    try:
        return store.fates()
    except Unavailable:
        return {}
    finally:
        store.engine.dispose()


def _waiting(config: Path) -> int:
    store = _store(config)
    try:
        counts = store.counts()
        return counts["arrivals_waiting"] + counts["effects_waiting"]
    finally:
        store.engine.dispose()


def _beat(config: Path) -> object:
    """When the mailbox was polled last."""
    store = _store(config)
    try:
        return next((beat.good_at for beat in store.heartbeats() if beat.name.startswith("mailbox")), None)
    finally:
        store.engine.dispose()
