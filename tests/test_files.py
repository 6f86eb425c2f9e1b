"""Mails in files: which are found, where one ends and the next begins, and what is not a mail."""

import mailbox
import os
from pathlib import Path

import pytest

from intake.sources import files
from intake.sources.files import find_mails
from tests.builders import mail
from tests.commands import make_maildir, make_mbox


def found(path: Path) -> list[bytes]:
    failures: list[str] = []
    mails = [one.raw for one in find_mails(path, failures)]
    assert failures == []
    return mails


def failures_of(path: Path) -> list[str]:
    failures: list[str] = []
    assert list(find_mails(path, failures)) == []
    return failures


def test_every_mail_of_an_mbox_comes_out_as_it_was_put_in(tmp_path: Path) -> None:
    mails = [mail(f"Regel\n\nNog een {number}\n", message_id=f"<{number}@example.com>") for number in range(5)]
    box = make_mbox(tmp_path / "box", mails)
    assert [raw.rstrip() for raw in found(box)] == [raw.rstrip() for raw in mails]


@pytest.mark.parametrize(
    "envelope",
    [
        b"From MAILER-DAEMON Mon Sep  7 10:00:00 2026",
        b"From - Mon Sep 07 10:00:00 2026",
        b"From 1234567890@xxx Mon Sep 07 10:00:00 +0000 2026",
        b"From jan@example.com Mon Sep  7 10:00:00 2026 remote from mx",
    ],
)
def test_envelopes_of_many_programs_begin_a_mail(tmp_path: Path, envelope: bytes) -> None:
    first, second = mail("Een\n"), mail("Twee\n")
    (tmp_path / "box.mbox").write_bytes(envelope + b"\n" + first + b"\n" + envelope + b"\n" + second)
    assert found(tmp_path) == [first, second]


def test_a_sentence_that_begins_with_from_ends_no_mail(tmp_path: Path) -> None:
    body = mail("Hello,\n\nFrom what I read in 2026 I may return it.\nFrom here\n\nFrom there on nothing.\n")
    (tmp_path / "box.mbox").write_bytes(b"From a@example.com\n" + body)
    assert found(tmp_path) == [body]


def test_the_folders_of_mail_programs_are_found_without_an_ending(tmp_path: Path) -> None:
    raw = mail("Een\n")
    (tmp_path / "Inbox").write_bytes(b"From - Mon Sep 07 10:00:00 2026\n" + raw)
    (tmp_path / "README").write_bytes(b"From here on, read this.\n")
    (tmp_path / "Inbox.msf").write_bytes(b"index")
    assert found(tmp_path) == [raw]


def test_a_maildir_with_folders_is_read_and_what_was_never_finished_is_not(tmp_path: Path) -> None:
    raw = [mail(message_id=f"<{number}@example.com>") for number in range(3)]
    make_maildir(tmp_path / "Maildir", raw[:1])
    sub = mailbox.Maildir(tmp_path / "Maildir").add_folder("Klachten")
    sub.add(raw[1])
    (tmp_path / "Maildir" / "tmp" / "half").write_bytes(raw[2])
    assert sorted(found(tmp_path)) == sorted(raw[:2])


def test_what_is_no_plain_file_is_named_and_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.eml"
    os.mkfifo(pipe)
    (tmp_path / "loop.eml").symlink_to(tmp_path / "loop.eml")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "nothing.eml").touch()
    (tmp_path / "good.eml").write_bytes(mail())
    failures: list[str] = []
    assert [one.raw for one in find_mails(tmp_path, failures)] == [mail()]
    assert len(failures) == 3
    assert any("pipe.eml cannot be read: it is no plain file" in line for line in failures)
    assert any("nothing.eml cannot be read: it is empty" in line for line in failures)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (line,) = failures_of(tmp_path / "gone.eml")
    assert "No such file" in line


def test_a_file_as_large_as_a_disk_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FETCH_AT_MOST", 4000)
    (tmp_path / "a.eml").write_bytes(mail("x" * 900) + b"y" * 9000)
    (tmp_path / "b.mbox").write_bytes(b"From - Mon Sep 07 10:00:00 2026\n" + mail("z\n" * 9000))
    (tmp_path / "c.eml").write_bytes(b"s" * 4000)
    cut, box, whole = list(find_mails(tmp_path, []))
    assert (len(cut.raw), "only the first" in cut.problem) == (4000, True)
    assert (len(box.raw) <= 4000, "only the first" in box.problem) == (True, True)
    assert (len(whole.raw), whole.problem) == (4000, "")
