"""How the pages get into their folder: whole, again and again, and never over somebody else's files."""

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from intake.bootstrap import TEMPLATES
from intake.errors import Refused, UsageError
from intake.publishing import publish
from intake.publishing.folder import LIST, WAITING, Published, put
from intake.publishing.monthly import MonthlyPages
from storage.database import open_engine
from storage.store import Store
from tests.builders import make_config, newest_sqlite
from tests.commands import Installation
from tests.simulated_store import write_year
from tests.simulated_year import NOW, SHOPS, tell_year

OLD = {"style.css": b"old style", "nl/sis.html": b"old page", "nl/cut.html": b"old cut", "index.html": b"old"}
NEW = {"style.css": b"old style", "sis/b.svg": b"badge", "nl/sis.html": b"new page", "index.html": b"new"}
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "open")


class Killed(BaseException):
    """The process ends here."""


class _Killer:
    """Ends whatever changes the disk for the nth time below a folder."""

    def __init__(self) -> None:
        self.folder, self.left, self.thread = "", 0, 0
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.folder or event not in CHANGES or threading.get_ident() != self.thread:
            return
        if event == "open" and "w" not in str(arguments[1]):
            return
        if str(arguments[0]).startswith(self.folder):
            self.left -= 1
            if self.left == 0:
                raise Killed

    @contextmanager
    def at(self, number: int, folder: Path) -> Iterator[None]:
        self.folder, self.left, self.thread = str(folder), number, threading.get_ident()
        try:
            yield
        finally:
            self.folder = ""


KILLER = _Killer()


def content(folder: Path) -> dict[str, bytes]:
    """What a web server shows: every file that is not hidden."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: text for name, text in found.items() if not name.startswith(".")}


def test_a_new_folder_holds_the_files_and_a_list_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "public" / "complaints"
    assert put(folder, OLD) == Published(files=4, changed=4, removed=0)
    assert content(folder) == OLD
    assert json.loads((folder / LIST).read_text())["files"] == sorted(OLD)


def test_a_second_time_only_what_changed_is_written_and_what_nobody_needs_goes(tmp_path: Path) -> None:
    put(tmp_path, OLD)
    (tmp_path / "robots.txt").write_bytes(b"theirs")
    before = (tmp_path / "style.css").stat().st_ino
    assert put(tmp_path, NEW) == Published(files=4, changed=3, removed=1)
    assert content(tmp_path) == {**NEW, "robots.txt": b"theirs"}
    assert (tmp_path / "style.css").stat().st_ino == before
    assert put(tmp_path, NEW) == Published(files=4, changed=0, removed=0)
    assert not (tmp_path / WAITING).exists()


def test_a_folder_that_becomes_empty_goes_and_one_with_files_of_others_stays(tmp_path: Path) -> None:
    put(tmp_path, {"a/x": b"1", "b/x": b"1"})
    (tmp_path / "b" / "theirs").write_bytes(b"theirs")
    put(tmp_path, {"c": b"1"})
    assert content(tmp_path) == {"c": b"1", "b/theirs": b"theirs"}
    assert not (tmp_path / "a").exists()


def killed_at_each_step(tmp_path: Path, *first: dict[str, bytes], last: dict[str, bytes]) -> Iterator[Path]:
    """A folder for each step of the last of several puts, killed there."""
    for number in count(1):
        folder = tmp_path / str(number)
        for files in first:
            put(folder, files)
        try:
            with KILLER.at(number, folder):
                put(folder, last)
        except Killed:
            yield folder
        else:
            assert number > 10
            return


def test_killed_anywhere_each_file_is_whole_and_the_next_time_goes_on(tmp_path: Path) -> None:
    for folder in killed_at_each_step(tmp_path, OLD, last=NEW):
        for name, text in content(folder).items():
            assert text in (OLD.get(name), NEW.get(name)), name
        assert set(content(folder)) >= set(OLD) & set(NEW)
        (folder / "robots.txt").write_bytes(b"theirs")
        put(folder, NEW)
        assert content(folder) == {**NEW, "robots.txt": b"theirs"}


def test_killed_the_first_time_the_folder_is_still_ours(tmp_path: Path) -> None:
    for folder in killed_at_each_step(tmp_path, last=OLD):
        put(folder, OLD)
        assert content(folder) == OLD


def test_a_folder_with_files_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_bytes(b"mine")
    with pytest.raises(Refused, match=r"holds thesis\.txt"):
        put(tmp_path, OLD)
    assert content(tmp_path) == {"thesis.txt": b"mine"}


def test_a_file_of_others_in_the_way_is_refused_before_anything_changes(tmp_path: Path) -> None:
    put(tmp_path, OLD)
    (tmp_path / "sis").mkdir()
    (tmp_path / "sis" / "b.svg").write_bytes(b"mine")
    with pytest.raises(Refused, match=r"sis/b\.svg was not made"):
        put(tmp_path, NEW)
    assert content(tmp_path) == {**OLD, "sis/b.svg": b"mine"}


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "nl/../../out.txt", "", LIST, "nl//x", 7])
def test_a_list_that_leads_out_of_the_folder_is_refused(tmp_path: Path, path: object) -> None:
    folder = tmp_path / "public"
    put(folder, OLD)
    outside = tmp_path / "out.txt"
    outside.write_bytes(b"theirs")
    listed = json.loads((folder / LIST).read_text())
    (folder / LIST).write_text(json.dumps({**listed, "files": [*listed["files"], path]}))
    with pytest.raises(Refused, match="not a list of ours"):
        put(folder, NEW)
    assert outside.read_bytes() == b"theirs"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "public", tmp_path / "elsewhere"
    put(folder, OLD)
    elsewhere.mkdir()
    (elsewhere / "cut.html").write_bytes(b"theirs")
    for path in (folder / "nl").iterdir():
        path.unlink()
    (folder / "nl").rmdir()
    (folder / "nl").symlink_to(elsewhere)
    with pytest.raises(Refused, match="is a link"):
        put(folder, NEW)
    assert content(elsewhere) == {"cut.html": b"theirs"}


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(UsageError, match="cannot be written"):
        put(tmp_path / "file", OLD)


def test_three_shops_of_a_database_are_published(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    config = make_config(tmp_path, database, shops=list(SHOPS))
    engine = open_engine(database)
    request.addfinalizer(engine.dispose)
    store = Store(engine)
    write_year(store, tell_year(config.shops, cases=90))
    folder = tmp_path / "public"
    done = publish(store, config, TEMPLATES, folder, NOW)
    shown = content(folder)
    assert (done.files, done.changed) == (len(shown), len(shown))
    value = json.loads(shown["badges.json"])
    assert [one["shop"]["id"] for one in value["shops"]] == ["sis", "cut", "deu"]
    for one in value["shops"]:
        (result,) = one["results"]
        assert result["measured_on"] == "2027-01-01"
        assert len(result["months"]) == 12
        assert 20 <= result["figures"]["count"] + sum(result["figures"]["excluded"].values()) <= 60
        page = shown[f"de/{one['shop']['id']}.html"].decode()
        assert f"{result['figures']['good']} von {result['figures']['count']} Beschwerden" in page
        assert sum(out["count"] for out in result["excluded"]) == sum(result["figures"]["excluded"].values())
        assert all(out["decided_on"] for out in result["excluded"] if out["reason"] != "merged")
    assert not [name for name, text in shown.items() if re.search(rb"\b(SIS|CUT|DEU)-2026-\d", text)]
    assert publish(store, config, TEMPLATES, folder, NOW + timedelta(days=3)).changed == 0
    one_shop = config.model_copy(update={"shops": config.shops[:1]})
    assert publish(store, one_shop, TEMPLATES, folder, NOW).removed > 0
    assert not (folder / "cut").exists()


def test_pages_are_published_at_first_and_when_a_month_has_been_measured(tmp_path: Path) -> None:
    (tmp_path / "intake.db").write_bytes(newest_sqlite().read_bytes())
    folder = tmp_path / "public"
    config = make_config(tmp_path, f"sqlite:///{tmp_path / 'intake.db'}", guarantees={"publish": folder})
    now = [datetime(2026, 9, 30, 12, tzinfo=UTC)]
    pages = MonthlyPages(Store(open_engine(config.database_url)), config, TEMPLATES, lambda: now[0])
    assert pages.keep()
    assert (folder / "nl" / "sis.html").exists()
    now[0] = datetime(2026, 10, 1, 3, 59, tzinfo=UTC)  # 5:59 in Amsterdam
    assert not pages.keep()
    now[0] = datetime(2026, 10, 1, 4, tzinfo=UTC)
    assert pages.keep()
    assert not pages.keep()
    now[0] = datetime(2026, 11, 1, 12, tzinfo=UTC)
    (folder / "theirs").mkdir()
    (folder / LIST).unlink()
    with pytest.raises(Refused):
        pages.keep()
    (folder / LIST).write_text(json.dumps({"made_by": "intake badges publish", "files": sorted(content(folder))}))
    assert pages.keep()


def test_the_command_publishes_and_says_how_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installation = Installation(tmp_path, capsys)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "intake.db").write_bytes(newest_sqlite().read_bytes())
    folder = tmp_path / "public"
    said = installation.intake("badges", "publish", folder, "--shop", "sis")
    assert (said.code, said.err) == (0, "")
    assert "files" in said.out
    assert (folder / "nl" / "sis.html").exists()
    assert "No folder is named." in installation.intake("badges", "publish").err
    assert installation.intake("badges", "publish", tmp_path).code == 1
