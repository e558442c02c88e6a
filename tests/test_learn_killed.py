"""A saver that is killed leaves a whole file that is no older than the last save it said was done."""

import contextlib
import os
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from saver_server import counted

from mmresearch.learn.storage import atomic, store
from mmresearch.learn.storage.atomic import previous_of
from mmresearch.learn.storage.store import load, save

HERE = Path(__file__).parent
#: A saver is killed after up to so many saves, and up to so many seconds more: a save on a disk, some in memory.
MOST_SAVES, MORE_S = 2, 0.02


class Savers:
    """Processes that save, and what they said was saved."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, str(HERE / "saver_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONWARNINGS": "ignore"},
        )
        self.unread = b""
        os.set_blocking(self.server.stderr.fileno(), False)

    def start(self, writer: str, path: Path, counter: int = 0, saves: int = -1) -> int:
        return int(self._ask(f"{writer} {path} {counter} {saves}"))

    def wait(self) -> None:
        assert self._ask("wait") == "dead"

    def wait_for_saves(self, number: int) -> None:
        """Wait until a saver has acknowledged so many saves; they are still to be asked for."""
        deadline = time.monotonic() + 60.0
        while len(self.unread) < 8 * number:
            assert time.monotonic() < deadline, "the savers do not save"
            select.select([self.server.stderr], [], [], 1.0)
            self._read()

    def acknowledged(self) -> list[int]:
        """Return the counters that savers have acknowledged since this was asked last."""
        self._read()
        data, self.unread = self.unread, b""
        return [int.from_bytes(data[i : i + 8], "big") for i in range(0, len(data), 8)]

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.unread += os.read(self.server.stderr.fileno(), 1 << 20)

    def _ask(self, line: str) -> str:
        self.server.stdin.write(line + "\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().strip()

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait(10)
        self.server.stdout.close()
        self.server.stderr.close()


@pytest.fixture(scope="module")
def savers() -> Iterator[Savers]:
    running = Savers()
    yield running
    running.close()


@pytest.fixture(params=["disk", "memory"])
def place(request, tmp_path) -> Iterator[Path]:
    """A file; in memory fsync costs nothing, so that kills fall between other steps."""
    shared = Path("/dev/shm")
    if request.param == "disk" or not shared.is_dir():
        yield tmp_path / "btc.json"
        return
    folder = shared / f"killed-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder / "btc.json"
    shutil.rmtree(folder)


def kill_one(savers: Savers, writer: str, path: Path, counter: int, rng: random.Random) -> tuple[int, str]:
    """Kill a saver at a random instant; return the counter to go on from, and what is wrong with the file."""
    pid = savers.start(writer, path, counter)
    savers.wait_for_saves(rng.randint(0, MOST_SAVES))
    time.sleep(rng.uniform(0.0, MORE_S))
    os.kill(pid, signal.SIGKILL)
    savers.wait()
    done = max(savers.acknowledged(), default=counter)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values, report = load(path)
    except (store.LearnedFileWarning, ValueError, OSError) as error:
        return done, f"{type(error).__name__}: {error}"
    found = values.total_fills_observed
    if found < done or report.source != "current":
        return done, f"save {done} was done, save {found} was found in the {report.source} generation"
    return found, "" if values == counted(found) else "the file is a mixture"


def kill_many(savers: Savers, writer: str, path: Path, times: int) -> tuple[int, list[str]]:
    rng, counter, wrong = random.Random(times), 1, []
    save(counted(counter), path)
    for _ in range(times):
        counter, problem = kill_one(savers, writer, path, counter, rng)
        wrong += [problem] if problem else []
    return counter, wrong


def test_twenty_killed_savers_lose_nothing(savers, place):
    saved, wrong = kill_many(savers, "save", place, 20)
    assert not wrong
    assert saved > 10, "the savers hardly lived: the test says nothing"
    save(counted(saved + 1), place)
    assert {p.name for p in place.parent.iterdir()} == {"btc.json", "btc.json.1", ".btc.json.lock"}


@pytest.mark.long
def test_a_thousand_killed_savers_lose_nothing(savers, place):
    saved, wrong = kill_many(savers, "save", place, 1000)
    assert not wrong
    assert saved > 500


def test_a_writer_that_is_not_atomic_is_found_out(savers, place):
    """The test of the test: open, write, close leaves an empty file sooner or later."""
    for _ in range(20):
        path = place.with_name(f"{random.random()}.json")
        if any("DamagedFileError" in w for w in kill_many(savers, "plain", path, 20)[1]):
            return
    pytest.fail("400 kills of a plain writer went unnoticed")


def test_a_writer_that_acknowledges_what_it_has_not_saved_is_found_out(savers, place):
    _, wrong = kill_many(savers, "late", place, 20)
    assert any("was done" in w for w in wrong)


def test_savers_that_meet_take_turns_with_whole_files(savers, place):
    save(counted(1), place)
    saves = 400 if place.is_relative_to("/dev/shm") else 40
    for first in (0, 1000):
        savers.start("save", place, first, saves)
    savers.wait_for_saves(1)
    seen, deadline = set(), time.monotonic() + 0.7
    while time.monotonic() < deadline:
        values, report = load(place)
        assert report.source == "current"
        assert values == counted(values.total_fills_observed)
        seen.add(values.total_fills_observed)
    assert len(seen) > 1, "the savers had finished before they were looked at: the test says nothing"
    savers.wait()
    savers.wait()
    assert sorted(savers.acknowledged()) == [*range(1, saves + 1), *range(1001, saves + 1001)]
    newest = load(place)[0].total_fills_observed
    assert newest in (saves, saves + 1000)
    assert load(previous_of(place))[0].total_fills_observed in {newest - 1, saves, saves + 1000} - {newest}
    assert {p.name for p in place.parent.iterdir()} == {"btc.json", "btc.json.1", ".btc.json.lock"}


class Instants:
    """Copies of a folder as it is before every step that a saver takes on it."""

    STEPS = ("open", "link", "replace", "rename", "unlink", "fsync")

    def __init__(self, folder: Path, shelf: Path, monkeypatch) -> None:
        self.folder, self.shelf, self.events, self.busy = folder, shelf, [], False
        for name in self.STEPS:
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name, real):
        def step(*args, **kwargs):
            if not self.busy:
                self.busy = True
                self._keep(name, args)
                self.busy = False
            return real(*args, **kwargs)

        return step

    def _keep(self, name, args):
        if name == "fsync":
            path = Path(os.readlink(f"/proc/self/fd/{args[0]}"))
            self.events.append((name, path))
            if path.is_file():
                # What was written and not yet flushed may be there by half when the process dies.
                torn = shutil.copytree(self.folder, self.shelf / f"{len(self.events)}-torn") / path.name
                torn.write_bytes(torn.read_bytes()[: path.stat().st_size // 2])
        else:
            self.events.append((name, *(Path(a) for a in args if isinstance(a, str | Path))))
        shutil.copytree(self.folder, self.shelf / str(len(self.events)))

    @property
    def folders(self) -> list[Path]:
        return sorted(self.shelf.iterdir())


def watched_save(folder: Path, shelf: Path, counter: int) -> Instants:
    with pytest.MonkeyPatch.context() as patch:
        instants = Instants(folder, shelf, patch)
        save(counted(counter), folder / "btc.json", 0.0)
    return instants


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "calibration"
    made.mkdir()
    return made


def test_at_every_instant_of_a_save_the_old_or_the_new_is_whole(folder, tmp_path):
    for counter in (1, 2):
        save(counted(counter), folder / "btc.json", 0.0)
    instants = watched_save(folder, tmp_path / "shelf", 3)
    found = {load(f / "btc.json")[0].total_fills_observed for f in instants.folders}
    assert found == {2, 3}
    assert len(instants.folders) > 6


def test_a_save_after_a_death_at_any_instant_mends_all(folder, tmp_path):
    for counter in (1, 2):
        save(counted(counter), folder / "btc.json", 0.0)
    for dead in watched_save(folder, tmp_path / "shelf", 3).folders:
        before = load(dead / "btc.json")[0].total_fills_observed
        save(counted(4), dead / "btc.json", 0.0)
        assert load(dead / "btc.json")[0] == counted(4)
        assert load(dead / "btc.json.1")[0] == counted(before)
        assert {p.name for p in dead.iterdir()} == {"btc.json", "btc.json.1", ".btc.json.lock"}


def test_at_every_instant_of_the_first_save_there_is_nothing_or_all(folder, tmp_path):
    found = []
    for instant in watched_save(folder, tmp_path / "shelf", 1).folders:
        try:
            found.append(load(instant / "btc.json")[0].total_fills_observed)
        except FileNotFoundError:
            found.append(0)
    assert set(found) == {0, 1}


def test_data_are_on_the_disk_before_their_name_and_the_name_before_the_answer(folder, tmp_path):
    save(counted(1), folder / "btc.json", 0.0)
    events = watched_save(folder, tmp_path / "shelf", 2).events
    place = [e for e in events if e[0] == "replace" and e[-1] == folder / "btc.json"]
    assert len(place) == 1
    at = events.index(place[0])
    assert ("fsync", place[0][1]) in events[:at]
    assert ("fsync", folder) in events[at:]


def test_a_file_of_a_live_writer_of_another_name_is_left(folder):
    other = folder / ".btc.json.x.7.tmp"
    other.write_text("someone else's")
    (folder / ".btc.json.7.tmp").write_text("a dead writer's")
    (folder / ".btc.json.7.old.tmp").write_text("a dead writer's")
    save(counted(1), folder / "btc.json")
    assert {p.name for p in folder.iterdir()} == {other.name, "btc.json", ".btc.json.lock"}


def test_a_file_system_without_links_keeps_the_previous_generation_as_well(folder, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError("no links here")

    save(counted(1), folder / "btc.json")
    monkeypatch.setattr(os, "link", refuse)
    save(counted(2), folder / "btc.json")
    assert load(folder / "btc.json.1")[0] == counted(1)


def test_a_writer_that_holds_on_is_named_after_a_while(folder):
    path = folder / "btc.json"
    with (
        atomic.locked(path),
        pytest.raises(atomic.LockTimeoutError, match=r"\.btc\.json\.lock"),
        atomic.locked(path, 0.02),
    ):
        pytest.fail("two writers at once")
    with atomic.locked(path, 0.0):
        pass


@pytest.mark.parametrize("step", ["fsync", "link", "replace"])
@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(28, "no space left on device")])
def test_a_disk_that_refuses_leaves_the_old_file_and_no_litter(folder, monkeypatch, step, error):
    save(counted(1), folder / "btc.json")
    save(counted(2), folder / "btc.json")

    def refuse(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(os, step, refuse)
    if step == "link":
        monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(OSError, match=error.strerror):
        save(counted(3), folder / "btc.json")
    monkeypatch.undo()
    assert load(folder / "btc.json")[0] == counted(2)
    assert load(folder / "btc.json.1")[0].total_fills_observed in (1, 2)
    assert {p.name for p in folder.iterdir()} == {"btc.json", "btc.json.1", ".btc.json.lock"}


def test_others_may_read_what_was_saved(folder):
    mask = os.umask(0o022)
    try:
        save(counted(1), folder / "btc.json")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((folder / "btc.json").stat().st_mode) == 0o644
