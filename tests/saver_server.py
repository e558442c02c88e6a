"""Forks processes that save learned parameters in a loop, so that a test can kill them; run as a program by the tests.

    python saver_server.py        stdin   "<writer> <path> <counter> <saves>" per process, "wait" for the oldest one
                                  stdout  its pid; "dead" once it is reaped
                                  stderr  a counter in 8 bytes for every save that is done, as it is done

The library is imported once, so a process costs a fork. Two of the three writers are wrong, to see the tests fail.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.learn.storage.learned import Learned, LearnedParameters
from mmresearch.learn.storage.saved import render
from mmresearch.learn.storage.store import save


def counted(counter: int, asset: str = "BTC") -> LearnedParameters:
    """Parameters that carry a counter wherever they can: a mixture of two saves would show."""
    n = float(counter)
    return LearnedParameters(
        asset,
        (
            Learned("alpha_touch", "A", {"informed": 0.0, "total": n}, Beta(2.0, 6.0), Beta(2.0, 6.0 + n), counter),
            Learned("kappa", "K", {"n": n}, Gamma(4.0, 0.002), Gamma(4.0 + n, 0.002), counter, n, 14400.0),
        ),
        counter,
    )


def write_plainly(values: LearnedParameters, path: Path) -> None:
    """Open, write, close: the file is empty or half there for a while."""
    path.write_bytes(render(values, 0.0))


def save_late(values: LearnedParameters, path: Path) -> None:
    """Whole files, but only every other one that is acknowledged."""
    if values.total_fills_observed % 2:
        save(values, path, 0.0)


WRITERS: dict[str, Callable[[LearnedParameters, Path], object]] = {
    "save": save,
    "plain": write_plainly,
    "late": save_late,
}


def _child(writer: str, path: Path, counter: int, saves: int) -> None:
    while saves:
        counter, saves = counter + 1, saves - 1
        WRITERS[writer](counted(counter), path)
        os.write(2, counter.to_bytes(8, "big"))


def serve() -> None:
    """Obey standard input until it ends."""
    waiting: list[int] = []
    for line in sys.stdin:
        if line.strip() == "wait":
            os.waitpid(waiting.pop(0), 0)
            print("dead", flush=True)
            continue
        writer, path, counter, saves = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                _child(writer, Path(path), int(counter), int(saves))
            finally:
                os._exit(0)
        waiting.append(pid)
        print(pid, flush=True)


if __name__ == "__main__":
    serve()
