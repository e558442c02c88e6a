"""Writing files so that a reader never sees half of one.

A file is written beside its place under another name, flushed to the disk, and renamed.
"""

from __future__ import annotations

import os
import tempfile
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


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
