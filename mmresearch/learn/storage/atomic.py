"""Files that are whole at every instant, with the generation before the last beside them.

A writer that holds the lock of ``name`` does, in this order:

    1. write ``.name.PID.tmp`` in the same folder, flush, fsync      name = old,  name.1 = older
    2. link ``name`` to ``.name.PID.old.tmp``, rename that to name.1   name = old,  name.1 = old
    3. rename ``.name.PID.tmp`` to ``name``                            name = new,  name.1 = old
    4. fsync the folder, then say that it is done

Renames within a folder are atomic (POSIX rename, link), so a process that is killed between or within any two steps
leaves a whole file under ``name``: the new one, or the last one that was said to be done. Writers queue at an flock on
``.name.lock``, which the kernel frees when its holder dies; the last to come wins, with a whole file. Whatever is
left of a dead writer's temporary files is removed by the next one: nobody alive can own them, the lock being held.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds to wait for another writer; a save takes milliseconds.
LOCK_WAIT_S = 10.0
#: Seconds between two looks at the lock.
LOCK_STEP_S = 0.002


class LockTimeoutError(OSError):
    """Another process holds the lock of a file for longer than anybody should."""


def previous_of(path: Path) -> Path:
    """Return where the generation before the last of a file is kept."""
    return path.with_name(f"{path.name}.1")


@contextmanager
def locked(path: Path, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Be the only writer of a file, among processes and among threads; folders that are missing are made.

    Raises
    ------
    LockTimeoutError
        If another writer does not finish within `wait_s` seconds.
    OSError
        If the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait_for(handle, path, wait_s)
        try:
            yield
        finally:
            # Closing is not enough: a process forked meanwhile has the same open file, and would keep the lock.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimeoutError(
                    f"{path} has been locked by another writer for {wait_s} s; see who holds .{path.name}.lock"
                ) from None
            time.sleep(LOCK_STEP_S)


def replace_whole(path: Path, data: bytes) -> None:
    """Let new content take the place of a file, which becomes the previous generation; the caller holds the lock.

    Raises
    ------
    OSError
        If the disk refuses; the file and its previous generation are then as they were, or the file is the previous
        generation as well.
    """
    _remove_stale(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_flushed(temporary, data)
        _keep_as_previous(path)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write a file whole or not at all, in turn with other writers; see `replace_whole`.

    Raises
    ------
    OSError
        If the disk refuses, or another writer does not finish.
    """
    target = Path(path)
    with locked(target):
        replace_whole(target, data)
    return target


def set_aside(path: Path) -> Path:
    """Rename a file to the first free ``name.corrupt-N`` and return that; the caller holds the lock.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    number = 1
    while os.path.lexists(place := path.with_name(f"{path.name}.corrupt-{number}")):
        number += 1
    os.rename(path, place)
    sync_folder(path.parent)
    return place


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_flushed(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _keep_as_previous(path: Path) -> None:
    if not path.exists():
        return
    spare = path.with_name(f".{path.name}.{os.getpid()}.old.tmp")
    try:
        try:
            os.link(path, spare)
        except OSError:
            # A file system without hard links: a copy does as well, only slower.
            shutil.copyfile(path, spare)
            _sync_file(spare)
        os.replace(spare, previous_of(path))
    finally:
        # Renaming one link over another of the same file does nothing and leaves both: a writer may have died here.
        spare.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_stale(path: Path) -> None:
    ours = re.compile(rf"\.{re.escape(path.name)}\.\d+(\.old)?\.tmp")
    for name in os.listdir(path.parent):
        if ours.fullmatch(name):
            path.with_name(name).unlink(missing_ok=True)
