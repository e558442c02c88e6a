"""Forgetting by half-life: any learner whose state declares its evidence, made to lose it with age.

    w_j(t) = 2^{-(t - s_j)/h},   evidence(t) = sum_j w_j(t) e_j,   posterior = prior + evidence

h is the half-life (s), e_j what event j adds, s_j the start of the cell in which it became known. Cells are those of a
fixed clock, [k h/K, (k + 1) h/K) with K cells to a half-life, so that weights do not depend on where a tape is cut. An
event becomes known at most one cell after s_j: its weight is that of its exact age times a factor in (2^{-1/K}, 1],
never too large and at most .35 % too small for K = 200.

Silence multiplies evidence and leaves the prior, so beliefs return to it. With events at rate r the sum of weights is
at most h r/ln 2 = 1.44 h r, and (sum w)^2/sum w^2 tends to twice that: a discounted posterior claims the precision of
the first, while the scatter of its mean about a truth that stands still is that of the second. The factor of two in
variance is what is paid for following a truth that moves (West and Harrison, Bayesian Forecasting and Dynamic Models,
2nd edition, section 6.3, on discounting).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import Learner, LearnerError, State, name_of, reads_of
from mmresearch.tape.schema import Tape

#: Cells of the clock to one half-life.
CELLS_PER_HALF_LIFE = 200
#: Seconds to a cell where nothing is forgotten: the clock then only tells ages.
ENDLESS_CELL_S = 60.0


@runtime_checkable
class Fading(Protocol):
    """A state that declares its evidence: how much there is, and the same state with less of it."""

    @property
    def events(self) -> float:
        """Sum of the weights of the events that the state has counted."""
        ...

    def decayed(self, factor: float) -> Self:
        """Return the state with every count and sum multiplied; what waits (fills, orders, quotes) stays as it is."""
        ...


@dataclass(frozen=True)
class Clock:
    """The age of a learner's state, without the state: plain numbers for a file; see `Memory` for what each is.

    Attributes
    ----------
    cell : int or None
    now_s : float or None
        None before the first slice.
    seen, squares : float
    last_evidence_s : float or None
    """

    cell: int | None = None
    now_s: float | None = None
    seen: float = 0.0
    squares: float = 0.0
    last_evidence_s: float | None = None

    def of(self, inner: Any) -> Memory:
        """Return the memory of a learner's state that is so old."""
        now_s = -math.inf if self.now_s is None else self.now_s
        return Memory(inner, self.cell, now_s, self.seen, self.squares, self.last_evidence_s)


@dataclass(frozen=True)
class Memory:
    """A learner's state with its age.

    Attributes
    ----------
    inner : object
        State of the learner, evidence weighted as at the start of `cell`.
    cell : int or None
        Cell of the clock that the evidence was last discounted to; None before the first slice.
    now_s : float
        End of the last slice, in seconds.
    seen : float
        Events ever counted, none discounted.
    squares : float
        Sum of squared weights, as at the start of `cell`.
    last_evidence_s : float or None
        Start of the cell in which the last event became known, in seconds; None before there was one.
    """

    inner: Any
    cell: int | None = None
    now_s: float = -math.inf
    seen: float = 0.0
    squares: float = 0.0
    last_evidence_s: float | None = None

    def age_s(self, now_s: float | None = None) -> float:
        """Return the seconds since the last evidence, at the end of the last slice or later; infinite without any."""
        if self.last_evidence_s is None:
            return math.inf
        return (self.now_s if now_s is None else now_s) - self.last_evidence_s

    @property
    def clock(self) -> Clock:
        """What it knows besides the learner's state: what a restart must not lose."""
        now_s = self.now_s if math.isfinite(self.now_s) else None
        return Clock(self.cell, now_s, self.seen, self.squares, self.last_evidence_s)

    @property
    def sampling_size(self) -> float:
        """Kish's effective number of events (sum w)^2/sum w^2, which time does not change."""
        return self.inner.events**2 / self.squares if self.squares > 0 else 0.0


@dataclass(frozen=True)
class Forgetting:
    """A learner that forgets what another one learns.

    Parameters
    ----------
    learner : Learner
        Whose states declare their evidence: see `Fading`.
    half_life_s : float
        Seconds after which an event counts half; infinite to forget nothing.
    cells : int
        Cells of the clock to one half-life.

    Raises
    ------
    LearnerError
        If the learner's state does not declare its evidence, or a number is not positive.
    """

    learner: Learner
    half_life_s: float
    cells: int = CELLS_PER_HALF_LIFE

    def __post_init__(self) -> None:
        """Refuse what cannot be forgotten."""
        if not self.half_life_s > 0:
            raise LearnerError(f"half_life_s must be positive (infinite to forget nothing), got {self.half_life_s}")
        if not self.cells >= 1:
            raise LearnerError(f"cells must be at least 1 to a half-life, got {self.cells}")
        if not isinstance(self.learner.init(), Fading):
            raise LearnerError(
                f"the state of {name_of(self.learner)} does not say what of it is evidence; "
                "give it `events` and `decayed(factor)`: see mmresearch.learn.readiness.forgetting.Fading"
            )

    @property
    def parameter(self) -> str:
        """Name in the catalogue."""
        return self.learner.parameter

    @property
    def name(self) -> str:
        """Name under which it is reported."""
        return f"{name_of(self.learner)} (half-life {self.half_life_s:g} s)"

    @property
    def reads(self) -> str:
        """Tables that carry its evidence."""
        return reads_of(self.learner)

    @property
    def horizon_s(self) -> float | None:
        """Fixed time that the learner uses, in seconds."""
        horizon: float | None = getattr(self.learner, "horizon_s", None)
        return horizon

    @property
    def cell_s(self) -> float:
        """Length of a cell of the clock, in seconds."""
        return self.half_life_s / self.cells if math.isfinite(self.half_life_s) else ENDLESS_CELL_S

    def init(self) -> Memory:
        """Start from the prior, with no age."""
        return Memory(self.learner.init())

    def update(self, state: Memory, tape: Tape) -> Memory:
        """Take in a slice, cell by cell.

        Raises
        ------
        LearnerError
            If the slice begins before the cell that the state has reached.
        """
        if not tape.t1 > tape.t0:
            return state
        first = self._cell_of(tape.t0)
        if state.cell is not None and first < state.cell:
            raise LearnerError(f"a slice from {tape.t0} s came after one to {state.now_s} s; feed slices in order")
        edges = [tape.t0]
        while (edge := (first + len(edges)) * self.cell_s) < tape.t1:
            edges.append(edge)
        for i, piece in enumerate(_pieces(tape, [*edges, tape.t1])):
            state = self._step(state, first + i, piece)
        return state

    def posterior(self, state: State) -> Belief:
        """Belief at the end of the last slice."""
        return self.learner.posterior(self._faded(state, state.now_s))

    def posterior_at(self, state: Memory, now_s: float) -> Belief:
        """Belief at a later time, if nothing was seen since: what a restart has.

        Raises
        ------
        LearnerError
            If that time is before the end of the last slice.
        """
        return self.learner.posterior(self._faded(state, now_s))

    def events_at(self, state: Memory, now_s: float | None = None) -> float:
        """Return the sum of the weights at a time (s), by default the end of the last slice."""
        return float(self._faded(state, state.now_s if now_s is None else now_s).events)

    def _step(self, state: Memory, cell: int, piece: Tape) -> Memory:
        factor = self._factor((cell - state.cell) * self.cell_s) if state.cell is not None else 1.0
        faded = state.inner.decayed(factor) if factor != 1.0 else state.inner
        inner = self.learner.update(faded, piece)
        gained = inner.events - faded.events
        return Memory(
            inner,
            cell,
            piece.t1,
            state.seen + gained,
            state.squares * factor**2 + gained,
            cell * self.cell_s if gained > 0 else state.last_evidence_s,
        )

    def _faded(self, state: Memory, now_s: float) -> Any:
        if state.cell is None:
            return state.inner
        if now_s < state.now_s:
            raise LearnerError(f"the state has seen the tape up to {state.now_s} s; it has no belief at {now_s} s")
        return state.inner.decayed(self._factor(now_s - state.cell * self.cell_s))

    def _factor(self, elapsed_s: float) -> float:
        return 0.5 ** (elapsed_s / self.half_life_s)

    def _cell_of(self, t: float) -> int:
        """Return k with k cell <= t < (k + 1) cell in floating point, as the edges are computed."""
        k = math.floor(t / self.cell_s)
        k += ((k + 1) * self.cell_s <= t) - (k * self.cell_s > t)
        return k


def _pieces(tape: Tape, edges: Sequence[float]) -> Iterator[Tape]:
    """Cut a tape at the edges, by halves, so that a cut looks at few rows."""
    if len(edges) == 2:
        yield tape.between(edges[0], edges[1])
        return
    middle = len(edges) // 2
    yield from _pieces(tape.between(edges[0], edges[middle]), edges[: middle + 1])
    yield from _pieces(tape.between(edges[middle], edges[-1]), edges[middle:])


def weight_cap(half_life_s: float, rate_per_s: float) -> float:
    """Return the sum of weights that a steady stream of events tends to: 1.44 half-lives' worth of them.

    Parameters
    ----------
    half_life_s : float
        Seconds.
    rate_per_s : float
        Events per second.
    """
    return half_life_s * rate_per_s / math.log(2.0)


def sampling_cap(half_life_s: float, rate_per_s: float) -> float:
    """Return the sampling size (sum w)^2/sum w^2 that a steady stream tends to: 2.88 half-lives' worth of events."""
    return 2.0 * weight_cap(half_life_s, rate_per_s)
