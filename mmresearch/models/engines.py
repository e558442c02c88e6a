"""Who does the work of a batch: this process in turn, or several at once.

An engine takes calls that are independent of each other and yields (place of the call, its result) as each is done.
A process that dies (killed, out of memory) takes nothing with it but the calls under way: they are made again by new
processes, up to `DEATHS` times in all. A Dask cluster is an engine too, see `mmresearch.models.cluster`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

from mmresearch.models import processes

#: How often processes may die before a batch gives up.
DEATHS = 3


class LostWorkersError(RuntimeError):
    """Processes that died too often over the same work."""


@dataclass(frozen=True)
class Call:
    """Work to be done: its name for people, a function that other processes can import, and its arguments."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


Engine = Callable[[Sequence[Call]], Iterator[tuple[int, Any]]]


def engine_of(jobs: int) -> Engine:
    """Return the engine for a number of processes; one means this process itself."""
    return in_turn if jobs == 1 else partial(in_processes, jobs=jobs)


def in_turn(calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
    """Make the calls one after the other in this process."""
    for place, call in enumerate(calls):
        yield place, call.function(*call.arguments)


def in_processes(calls: Sequence[Call], jobs: int) -> Iterator[tuple[int, Any]]:
    """Make the calls in processes of their own, so many at a time.

    Raises
    ------
    LostWorkersError
        If processes died `DEATHS` times.
    """
    left = dict(enumerate(calls))
    for _ in range(DEATHS):
        for place, result in _in_one_pool(left, jobs):
            del left[place]
            yield place, result
        if not left:
            return
    names = ", ".join(call.name for call in left.values())
    raise LostWorkersError(f"processes died {DEATHS} times; not done: {names}. Is there memory enough for {jobs} jobs?")


def _in_one_pool(left: dict[int, Call], jobs: int) -> Iterator[tuple[int, Any]]:
    """Yield what a pool gets done before it breaks, or all."""
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=processes.context("mmresearch.models.batch"))
    try:
        waiting = {pool.submit(call.function, *call.arguments): place for place, call in left.items()}
        for future in as_completed(waiting):
            if not isinstance(future.exception(), BrokenProcessPool):
                yield waiting[future], future.result()
    finally:  # nobody waits for processes that only have to end
        pool.shutdown(wait=False, cancel_futures=True)
