"""Processes that share the work, made ready while the first one still imports.

On Linux they are forked from a server that has imported the package and started nothing (the default of Python 3.14);
elsewhere each is spawned. No process that has computed with JAX is ever forked: its threads would not survive.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing import forkserver
from multiprocessing.context import BaseContext


def context(preload: str) -> BaseContext:
    """Return how processes are started here; the server that forks them imports the named module before the first."""
    found: BaseContext = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        found.set_forkserver_preload([preload])
    return found


def prepare(preload: str) -> None:
    """Start the server, so that it imports beside us; without effect where there is none, or it runs already."""
    context(preload)
    if sys.platform == "linux":
        forkserver.ensure_running()
