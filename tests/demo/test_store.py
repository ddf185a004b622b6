"""What strangers leave on the disk: bounds in bytes and in time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo.limits import Limits
from demo.store import FullError, Store

KB = 2**10
LIMITS = Limits(keep_seconds=100, visitor_bytes=1000 * KB, stored_bytes=2000 * KB)


def aged(path: Path, seconds: float, size: int = 10) -> Path:
    """Write a file that is so old; its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
    os.utime(path.parent, (moment, moment))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def store_of(folder: Path, limits: Limits = LIMITS) -> Store:
    return Store(folder, limits)


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64 + "/upload.jpg",
        "0" * 32 + "/result.png",
        "0" * 64 + "/file",
        "0" * 64 + "/.upload.jpg.x7tq",
        "tmpx7tq_abc",
        "deep_links/abc/state.json",
        "ä b/c.png",
    ],
)
def test_old_files_go_whoever_made_them_and_their_folders_with_them(
    tmp_path: Path, name: str
) -> None:
    old = aged(tmp_path / "up" / name, 101)
    new = aged(tmp_path / "up" / ("new" + name), 90)
    store_of(tmp_path / "up").sweep()
    assert not old.exists() and new.exists()
    assert old.parent == tmp_path / "up" or not old.parent.exists()


def test_empty_folders_go_when_they_are_old(tmp_path: Path) -> None:
    for name, age in (("old", 101), ("new", 50)):
        folder = tmp_path / "up" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    store_of(tmp_path / "up").sweep()
    assert names(tmp_path / "up") == ["new"]


def test_file_from_the_future_goes_and_the_folder_itself_stays(tmp_path: Path) -> None:
    aged(tmp_path / "up" / "a" / "b.png", -5000)
    os.utime(tmp_path / "up", (0, 0))
    store_of(tmp_path / "up").sweep()
    assert names(tmp_path / "up") == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    mine = aged(tmp_path / "mine" / "diary.txt", 5000)
    up = tmp_path / "up"
    aged(up / "a" / "b.png", 5000)
    (up / "folder").symlink_to(mine.parent)
    (up / "a" / "file").symlink_to(mine)
    for link in (up / "folder", up / "a" / "file"):
        os.utime(link, (0, 0), follow_symlinks=False)
    store = store_of(up)
    (up / "other").symlink_to(mine.parent)
    store.delete([str(up / "other" / "diary.txt"), str(mine)], shown=True)
    store.sweep()
    assert mine.exists() and names(up) == ["a", "other"]


def test_shown_files_stay_and_look_new_to_other_servers(tmp_path: Path) -> None:
    up = tmp_path / "up"
    shown = aged(up / "a" / "first.jpg", 5000)
    example = aged(tmp_path / "examples" / "cat.jpg", 5000)
    store = store_of(up)
    store.show([str(shown), str(example)])
    store.sweep()
    store_of(up).sweep()
    assert shown.exists() and time.time() - example.stat().st_mtime > 4000
    store.delete([str(shown)], shown=False)
    assert shown.exists()
    store.delete([str(example)], shown=True)
    assert not shown.exists() and example.exists()


def test_two_servers_leave_each_others_new_files(tmp_path: Path) -> None:
    theirs = aged(tmp_path / "up" / "a" / "b.png", 50)
    mine = aged(tmp_path / "up" / "c" / "d.png", 10)
    store = store_of(tmp_path / "up")
    store.sweep()
    store.delete([str(mine)], shown=True)
    assert theirs.exists() and not mine.parent.exists()


def test_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    files = [aged(tmp_path / "up" / f"{n}" / "x", n, 300 * KB) for n in range(1, 9)]
    store_of(tmp_path / "up").sweep()
    assert [file.exists() for file in files] == [True] * 6 + [False] * 2


def test_small_files_have_a_bound_in_number(tmp_path: Path) -> None:
    for number in range(100):
        aged(tmp_path / "up" / f"{number}" / "x", number / 10, 0)
    store_of(tmp_path / "up").sweep()
    assert len(list((tmp_path / "up").rglob("x"))) == 2000 // 64


def test_missing_folder_is_no_error(tmp_path: Path) -> None:
    store_of(tmp_path / "up").sweep()
    assert not (tmp_path / "up").exists()


def test_visitor_has_a_share_and_others_have_theirs(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    first = store.begin("1.1.1.1")
    first.add(600 * KB)
    # Another form of the same visitor at the same time, which has not begun to send.
    second, third = store.begin("1.1.1.1"), store.begin("1.1.1.1")
    with pytest.raises(FullError, match="may send 1 MB within 2 minutes"):
        second.announce(401 * KB)
    second.announce(400 * KB)
    second.add(300 * KB)
    with pytest.raises(FullError):
        third.add(101 * KB)
    store.begin("2.2.2.2").add(1000 * KB)
    first.end(kept=False)
    third.add(600 * KB)
    second.end(kept=True)
    third.end(kept=True)
    with pytest.raises(FullError):
        store.begin("1.1.1.1").announce(101 * KB)


def test_forms_that_have_sent_nothing_yet_share_all_the_same(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    forms = [store.begin("1.1.1.1") for _ in range(5)]
    forms[0].add(600 * KB)
    with pytest.raises(FullError):
        forms[4].add(600 * KB)


def test_share_is_free_again_after_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(tmp_path)
    upload = store.begin("1.1.1.1")
    upload.add(1000 * KB)
    upload.end(kept=True)
    now = time.monotonic()
    # Of the module alone: the servers of other tests keep their own time.
    clock = SimpleNamespace(monotonic=lambda: now + 99, time=time.time)
    monkeypatch.setattr("demo.store.time", clock)
    with pytest.raises(FullError):
        store.begin("1.1.1.1").announce(1)
    clock.monotonic = lambda: now + 101
    store.begin("1.1.1.1").announce(1000 * KB)


def test_many_empty_uploads_use_up_a_share(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    for _ in range(1000 // 64):
        store.begin("1.1.1.1").end(kept=True)
    with pytest.raises(FullError):
        store.begin("1.1.1.1").announce(64 * KB)


def test_room_is_made_of_old_files_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [aged(tmp_path / f"{n}" / "x", n, 300 * KB) for n in range(1, 7)]
    store = store_of(tmp_path)
    store.sweep()
    upload = store.begin("1.1.1.1")
    upload.add(190 * KB)
    assert not store.is_full()
    upload.add(50 * KB)
    assert store.is_full()
    store.make_room()
    assert not store.is_full() and [file.exists() for file in files] == [True] * 6
    aged(tmp_path / "7" / "x", 0, 300 * KB)
    store.count(300 * KB)
    store.make_room()
    assert [file.exists() for file in files] == [True] * 5 + [False]
    monkeypatch.setattr("demo.store._SPARE", 2**62)
    monkeypatch.setattr("demo.store._SPARE_SHARE", 1)
    with pytest.raises(FullError, match="no room"):
        store.make_room()


@pytest.mark.parametrize("folder", ["/", "~", ".", "..", "demo"])
def test_folder_of_others_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    import demo

    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    given = Path(demo.__file__).parent if folder == "demo" else Path(folder).expanduser()
    with pytest.raises(ValueError, match="GRADIO_TEMP_DIR must be a folder for the demo alone"):
        Store(given, LIMITS)
