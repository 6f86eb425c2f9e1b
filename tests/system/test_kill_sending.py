"""SIGKILL between each pair of steps of sending: at most one acknowledgement, at most one copy in Sent, and one that
nobody knows about is shown and never sent again. Against a real Dovecot and a real SMTP server."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from intake.config import Config
from intake.pipeline import deliver
from storage.models import EffectState
from tests.builders import mailbox_settings
from tests.counter import Counter, counter
from tests.servers import Dovecot
from tests.smtp_sink import smtp_sink

ROOT = Path(__file__).resolve().parents[2]
# Where the process ends, how often the customer has got the mail in the end, and what is known of it.
BOUNDARIES = {
    "mail begun": (1, EffectState.DONE),
    "sending committed": (0, EffectState.UNCERTAIN),
    "mail sent": (1, EffectState.UNCERTAIN),
    "mail marked sent": (1, EffectState.DONE),
    "sent mail filed": (1, EffectState.DONE),
}


def as_json(config: Config) -> str:
    """The configuration with its secrets, which pydantic hides."""
    return config.model_dump_json().replace('"password":"**********"', f'"password":"{Dovecot.PASSWORD}"')


def killed_at(boundary: str, config: Config) -> None:
    """A run that ends there."""
    command = [sys.executable, "-m", "tests.system.killable_sending", as_json(config), boundary]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-3000:]


def next_run(shop: Counter) -> None:
    """What the run after it does; twice, since once should be enough."""
    for _ in range(2):
        shop.send()
        deliver(shop.house, shop.shop)


def sent_folder(dovecot: Dovecot, user: str) -> int:
    client = dovecot.client(user)
    count = client.select_folder("Sent", readonly=True)[b"EXISTS"]
    client.logout()
    return int(count)


@pytest.mark.system
def test_killed_between_the_steps_of_sending_at_most_one_acknowledgement_goes_out(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    mailbox = mailbox_settings(dovecot.port, mail_user)
    with smtp_sink() as sink, counter(tmp_path, sink, mailbox=mailbox) as shop:
        filed = 0
        for number, (boundary, (mails, state)) in enumerate(BOUNDARIES.items(), 1):
            shop.complain(number)
            killed_at(boundary, shop.house.config)
            next_run(shop)
            file = shop.file(f"SIS-2026-{number:04d}")
            (effect,) = (effect for effect in file.effects if effect.kind == "send reply")
            marks = [mark for mark in file.case.attention if "nobody knows" in mark]
            filed += state is EffectState.DONE
            found = (sink.recipients.count(f"k{number}@example.com"), effect.state, len(marks))
            assert found == (mails, state, int(state is EffectState.UNCERTAIN)), boundary
            assert sent_folder(dovecot, mail_user) == filed, boundary
        told = shop.notices()
    assert len(told) == 2
