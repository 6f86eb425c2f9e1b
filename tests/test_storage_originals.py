"""The originals store: what is in it is whole, read-only, and there after the power cut."""

import hashlib
import threading
from pathlib import Path

import pytest

from storage.errors import Damaged, NotStored, Unavailable
from storage.originals import Originals


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(tmp_path / "originals")


def test_an_original_lies_under_its_hash_and_comes_back_as_it_was(originals: Originals) -> None:
    content = b"\x00\xff\r\nany bytes at all\n"
    digest = originals.add(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert originals.path(digest) == originals.folder / digest[:2] / digest
    assert originals.read(digest) == content


def test_a_batch_gives_its_hashes_in_order_and_stores_equal_content_once(originals: Originals) -> None:
    contents = [b"one", b"two", b"one", b"", b"two"]
    digests = originals.add_all(contents)
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    assert list(originals) == sorted(set(digests))
    assert not list(originals.folder.rglob("*.part"))


def test_adding_again_leaves_the_file_alone(originals: Originals) -> None:
    digest = originals.add(b"content")
    before = originals.path(digest).stat()
    assert originals.add(b"content") == digest
    assert originals.path(digest).stat().st_mtime_ns == before.st_mtime_ns
    assert originals.path(digest).stat().st_ino == before.st_ino


def test_an_original_is_read_only(originals: Originals) -> None:
    digest = originals.add(b"content")
    assert originals.path(digest).stat().st_mode & 0o222 == 0


def test_a_changed_original_is_noticed(originals: Originals) -> None:
    digest = originals.add(b"content")
    originals.path(digest).chmod(0o644)
    originals.path(digest).write_bytes(b"c0ntent")
    with pytest.raises(Damaged, match=digest) as error:
        originals.read(digest)
    assert "backup" in error.value.next_step


def test_a_missing_original_is_named(originals: Originals) -> None:
    originals.add(b"another")
    with pytest.raises(NotStored, match="0" * 64):
        originals.read("0" * 64)


def test_a_folder_that_is_away_is_waited_for_and_not_taken_for_a_loss(originals: Originals) -> None:
    with pytest.raises(Unavailable, match="are away"):
        originals.read("0" * 64)


def test_left_overs_of_a_crash_are_no_originals(originals: Originals) -> None:
    digest = originals.add(b"content")
    (originals.path(digest).parent / ".0123456789abcdef.part").write_bytes(b"half")
    assert list(originals) == [digest]


def test_a_disk_that_takes_nothing_is_unavailable_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    originals = Originals(tmp_path / "file" / "originals")
    with pytest.raises(Unavailable) as error:
        originals.add(b"content")
    assert "cannot be stored" in str(error.value)
    assert error.value.next_step


def test_what_no_row_names_is_removed_and_the_rest_stays(originals: Originals) -> None:
    one, two, gone = originals.add(b"one"), originals.add(b"two"), hashlib.sha256(b"never").hexdigest()
    assert originals.remove([one, two, gone, ""], lambda asked: {two} & set(asked)) == 1
    assert list(originals) == [two]
    assert originals.remove([one], lambda _: set()) == 0


def test_nothing_is_removed_while_somebody_adds(originals: Originals, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row that names a file may be about to be committed, so what is named is asked only after that."""
    digest, named, done = originals.add(b"mail"), set[str](), threading.Event()

    def remove() -> None:
        originals.remove([digest], lambda asked: named & set(asked))
        done.set()

    with originals.held(), originals.held():
        thread = threading.Thread(target=remove)
        thread.start()
        assert not done.wait(0.1)
        named.add(originals.add(b"mail"))
    thread.join()
    assert originals.read(digest) == b"mail"
    monkeypatch.setattr("storage.originals.PATIENCE", 0.05)
    with originals.held(), pytest.raises(Unavailable, match="added all the time"):
        originals.remove([digest], lambda _: set())
