"""Writing files so that a reader never sees half of one.

A file is written beside its place under another name, flushed to the disk, and renamed. A folder likewise.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_file(path: str | Path, content: str | bytes) -> Path:
    """Write a file whole or not at all; text as UTF-8.

    Parameters
    ----------
    path : path
        Where; missing folders are made.
    content : str or bytes
        What.

    Returns
    -------
    Path

    Raises
    ------
    OSError
        If the disk refuses; the old file, if any, is untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files that only their owner reads; a report is made to be shared.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def write_folder(path: str | Path, fill: Callable[[Path], object]) -> Path:
    """Fill a folder beside its place, then put it there; one that stood there goes only when the new one is complete.

    Parameters
    ----------
    path : path
        Where.
    fill : callable
        Called with the folder to write into.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fill(fresh)
        fresh.chmod(0o777 & ~_umask())
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
            os.replace(target, old / target.name)
            os.replace(fresh, target)
            shutil.rmtree(old)
        else:
            os.replace(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return target


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
