"""The heavy work of an audit, spread over processes: hierarchical fits, and learners sent through worlds.

Every piece is a function of its arguments and its seed, so neither the number of processes nor what was known before
changes a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from mmresearch.audit.battery import SHARES, apply_checks, outside_worlds
from mmresearch.audit.kept import KeptFindings
from mmresearch.audit.references import Read, Task, run_task
from mmresearch.audit.result import Finding
from mmresearch.learn.contract import Learner
from mmresearch.models import processes
from mmresearch.models.fit import Fit
from mmresearch.models.inputs import Family

Progress = Callable[[str, int, int], None]
Keep = Callable[[Task, Fit, Any], None]


@dataclass(frozen=True)
class Call:
    """A piece of work.

    Attributes
    ----------
    key : hashable
        Under which its result is found.
    what : str
        What a person reads once it is done.
    function, arguments
        What runs, in any process.
    then : callable, optional
        Takes the result, here, as soon as it is there.
    """

    key: Any
    what: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    then: Callable[[Any], None] | None = None


def fits_to_make(
    tasks: Sequence[Task], given: Mapping[tuple[Family, Read], Any], seed: int, quick: bool, keep: Keep | None = None
) -> list[Call]:
    """Return a call per fit, keyed by its task.

    Parameters
    ----------
    tasks : sequence of Task
        What to fit.
    given : mapping
        To what: evidence by family and source of events.
    seed : int
        Seed of the samplers.
    quick : bool
        Shorter chains.
    keep : callable, optional
        Called with (task, fit, evidence).
    """

    def kept(task: Task, found: Fit) -> None:
        if keep:
            keep(task, found, given[task.reads])

    return [
        Call(
            t, f"fit {t.model} ({t.source}) in {t.backend}", run_task, (t, given[t.reads], seed, quick),
            partial(kept, t),
        )
        for t in tasks
    ]  # fmt: skip


@dataclass(frozen=True)
class Visits:
    """Learners on their way through worlds: what is asked now, and what is known already.

    Attributes
    ----------
    calls : list of Call
        A call per parameter and share of the checks, for those of its learners of whom nothing is known.
    """

    learners: Sequence[Learner]
    barred: Mapping[str, Finding | None]
    asked: Mapping[tuple[str, tuple[str, ...]], list[int]]
    known: Mapping[tuple[int, tuple[str, ...]], tuple[Finding, ...]]
    calls: list[Call]

    def findings(self, done: Mapping[Any, Any]) -> list[tuple[Finding, ...]]:
        """Return what worlds say of each learner, once the calls are done."""
        said = dict(self.known)
        for (name, checks), members in self.asked.items():
            said |= {(i, checks): found for i, found in zip(members, done[name, checks], strict=True)}
        return [self._of(i, barred, said) for i, barred in enumerate(self.barred[x.parameter] for x in self.learners)]

    @staticmethod
    def _of(
        i: int, barred: Finding | None, said: Mapping[tuple[int, tuple[str, ...]], tuple[Finding, ...]]
    ) -> tuple[Finding, ...]:
        return (barred,) if barred else tuple(chain(*(said[i, checks] for checks in SHARES)))


def worlds_to_visit(learners: Sequence[Learner], seed: int, quick: bool, known: KeptFindings | None = None) -> Visits:
    """Find out which learners have to be sent through worlds; those of one parameter together, for they meet the same.

    Parameters
    ----------
    learners : sequence of Learner
        Who is audited.
    seed : int
        Seed of the worlds.
    quick : bool
        Fewer replicates.
    known : KeptFindings, optional
        What was said of them before, and where this is kept.
    """
    barred = {x.parameter: outside_worlds(x.parameter) for x in learners}
    asked: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    recalled = {}
    for checks in SHARES:
        for i, learner in enumerate(learners):
            before = known.recall(checks, learner, seed, quick) if known else None
            if before:
                recalled[i, checks] = before
            elif not barred[learner.parameter]:
                asked.setdefault((learner.parameter, checks), []).append(i)

    def kept(checks: Sequence[str], members: Sequence[Learner], found: list[tuple[Finding, ...]]) -> None:
        for learner, findings in zip(members, found, strict=True):
            if known:
                known.keep(checks, learner, seed, quick, findings)

    calls = []
    for (name, checks), numbers in asked.items():
        members = [learners[i] for i in numbers]
        what = f"{', '.join(checks)} of {name}"
        calls.append(
            Call((name, checks), what, apply_checks, (checks, members, seed, quick), partial(kept, checks, members))
        )
    return Visits(learners, barred, asked, recalled, calls)


def do_all(calls: Sequence[Call], jobs: int, progress: Progress | None = None) -> dict[Any, Any]:
    """Do the work and return results by key.

    Parameters
    ----------
    calls : sequence of Call
        The longest first, so that no process is left alone with it at the end.
    jobs : int
        Processes; with one, everything runs here.
    progress : callable, optional
        Called with (what was finished, done, total).
    """
    done = {}
    results = _in_turn(calls) if jobs == 1 else _in_processes(calls, jobs)
    for count, (call, result) in enumerate(results, start=1):
        done[call.key] = result
        if call.then:
            call.then(result)
        if progress:
            progress(call.what, count, len(calls))
    return done


def _in_turn(calls: Sequence[Call]) -> Iterator[tuple[Call, Any]]:
    for call in calls:
        yield call, call.function(*call.arguments)


def _in_processes(calls: Sequence[Call], jobs: int) -> Iterator[tuple[Call, Any]]:
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=processes.context("mmresearch.audit.run"))
    try:
        waiting: dict[Future, Call] = {pool.submit(c.function, *c.arguments): c for c in calls}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:  # nobody waits for processes that only have to end
        pool.shutdown(wait=False, cancel_futures=True)
