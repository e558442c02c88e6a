"""Deployed batch rules about bad stretches: toxic hours, and the drop of open interest that announces a cascade.

    toxic_hour_gamma_mult   hours (UTC) of 10 fills whose mean move < 1.5 x the mean over hours: ratio of the two sizes,
                            clipped to [1.5, 4], is one observation
    cascade_oi_threshold    drops of open interest over intervals whose mean move < -10 bps, 5 of them: their 30th
                            percentile in [.005, .10], divided by .10, is 100 pseudo-counts of a Beta

Moves are favourable ones in bps, one second after the fill and from its price: see `batch_deployed_fills`. The ratio
has no meaning where fills pay on average, and .10 of open interest is booked as if it were certainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.contract import Belief
from mmresearch.learn.batch.deployed_fills import ENOUGH_FILLS, HORIZON_S, FillMoves, Outcome, pseudo_counts
from mmresearch.learn.contract import State, run
from mmresearch.learn.deployed.families import deployed_state
from mmresearch.learn.deployed.signals import signal_rows
from mmresearch.tape.schema import Tape

TOXIC_RATIO, TOXIC_CLIP = 1.5, (1.5, 4.0)
#: A mean of all hours (bps) closer to zero than this gives no ratio.
LEAST_MEAN_BPS = 0.1
#: Hours (UTC) that count as toxic without data.
DEFAULT_TOXIC_HOURS = (6, 7, 14)
BAD_BPS, ENOUGH_DROPS = -10.0, 5
CASCADE_PERCENTILE, CASCADE_CLIP, CASCADE_SCALE = 0.3, (0.005, 0.10), 0.10


@dataclass(frozen=True)
class HourSums:
    """Number and sum (bps) of moves by hour of the day, and the fills that wait."""

    fills: FillMoves = field(default_factory=FillMoves)
    n: NDArray[np.float64] = field(default_factory=lambda: np.zeros(24))
    total_bps: NDArray[np.float64] = field(default_factory=lambda: np.zeros(24))


@dataclass(frozen=True)
class BatchToxicHours:
    """Mean move of the worst hours over the mean of all hours; times must be Unix time."""

    parameter: str = "toxic_hour_gamma_mult"
    name: str = "BatchToxicHours"
    horizon_s: float = HORIZON_S

    def init(self) -> HourSums:
        """Start without fills."""
        return HourSums()

    def update(self, state: HourSums, tape: Tape) -> HourSums:
        """Add the moves that the slice resolves to the hours of their fills."""
        fills, done = state.fills.step(tape)
        hour = np.floor(done.ts / 3600).astype(int) % 24
        total_bps = state.total_bps + np.bincount(hour, done.move_bps, minlength=24)
        return HourSums(fills, state.n + np.bincount(hour, minlength=24), total_bps)

    def hours(self, state: HourSums) -> tuple[int, ...]:
        """Return the hours (UTC) called toxic; 6, 7 and 14 where no hour has ten fills."""
        hours, _, toxic = self._means(state)
        return tuple(hours[toxic].tolist()) if hours.size else DEFAULT_TOXIC_HOURS

    def outcome(self, state: HourSums) -> Outcome:
        """Return the LogNormal after one observation, or say what is missing."""
        hours, means, toxic = self._means(state)
        count = int(state.n.sum())
        if not hours.size:
            return Outcome(self.parameter, None, count, f"no hour has {ENOUGH_FILLS} fills")
        overall = abs(float(means.mean()))
        if not toxic.any() or overall <= LEAST_MEAN_BPS:
            return Outcome(self.parameter, None, count, f"no hour is worse than {TOXIC_RATIO:g} x the mean of all")
        ratio = float(np.clip(np.abs(means[toxic]).mean() / overall, *TOXIC_CLIP))
        after = deployed_state(self.parameter).observe_ratios(ratio)
        return Outcome(self.parameter, after, count, f"ratio {ratio:.3g} from {int(toxic.sum())} of {hours.size} hours")

    @staticmethod
    def _means(state: HourSums) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.bool_]]:
        """Hours with enough fills, their mean moves in bps, and which of them are toxic."""
        hours = np.flatnonzero(state.n >= ENOUGH_FILLS)
        means = state.total_bps[hours] / state.n[hours]
        return hours, means, means < TOXIC_RATIO * means.mean() if hours.size else np.zeros(0, dtype=bool)

    def posterior(self, state: State) -> Belief:
        """LogNormal, a ratio."""
        return self.outcome(state).belief()

    def log_joint(self, theta: float, tape: Tape) -> float:
        """Log density of the model that the rule states: its LogNormal prior, and a log ratio of unit variance.

        The posterior is not that of this model: the prior weighs 1/sd there, and its width is never updated.
        """
        booked = self.outcome(run(self, tape)).state
        prior = deployed_state(self.parameter).belief()
        gap = 0.0 if booked is None else booked.sum_x - math.log(theta)
        return float(prior.logpdf(theta)) - 0.5 * gap**2


@dataclass(frozen=True)
class DropState:
    """Drops found, and the intervals and fills that are not settled yet.

    Attributes
    ----------
    fills : FillMoves
        Fills that wait for their move.
    drops : tuple of float
        Fractions of open interest lost over bad intervals.
    intervals : ndarray, shape (n, 3)
        Start, end (s) and relative change of the intervals whose fills still wait.
    last : ndarray, shape (0,) or (2,)
        Time and open interest of the newest sample.
    moves : ndarray, shape (m, 2)
        Time and move of the fills that an open interval may hold.
    """

    fills: FillMoves = field(default_factory=FillMoves)
    drops: tuple[float, ...] = ()
    intervals: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    last: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    moves: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))


@dataclass(frozen=True)
class BatchCascade:
    """Drops of open interest while our fills went bad; intervals run from one sample to the next, ends included."""

    parameter: str = "cascade_oi_threshold"
    name: str = "BatchCascade"
    horizon_s: float = HORIZON_S

    def init(self) -> DropState:
        """Start without drops."""
        return DropState()

    def update(self, state: DropState, tape: Tape) -> DropState:
        """Settle the intervals whose fills all have their move now."""
        fills, done = state.fills.step(tape)
        moves = np.concatenate([state.moves, np.column_stack([done.ts, done.move_bps])])
        samples = np.concatenate([state.last.reshape(-1, 2), np.column_stack(signal_rows(tape, "open_interest"))])
        intervals = np.concatenate([state.intervals, _changes(samples)])
        settled = intervals[:, 1] < (fills.pending.ts[0] if len(fills.pending) else np.inf)
        drops = state.drops + tuple(_bad_drops(intervals[settled], moves))
        waiting, last = intervals[~settled], samples[-1:].ravel()
        oldest = waiting[0, 0] if len(waiting) else (last[0] if last.size else np.inf)
        return DropState(fills, drops, waiting, last, moves[moves[:, 0] >= oldest])

    def outcome(self, state: DropState) -> Outcome:
        """Return the Beta after 100 pseudo-counts, or say how many drops were found."""
        drops = np.sort(np.array(state.drops))
        if drops.size < ENOUGH_DROPS:
            why = f"{drops.size} drops of open interest over bad intervals; {ENOUGH_DROPS} are needed"
            return Outcome(self.parameter, None, drops.size, why)
        threshold = float(np.clip(drops[int(CASCADE_PERCENTILE * drops.size)], *CASCADE_CLIP))
        successes, failures = pseudo_counts(float(np.clip(threshold / CASCADE_SCALE, 0.01, 0.99)))
        after = deployed_state(self.parameter).observe_successes(successes, failures)
        return Outcome(self.parameter, after, drops.size, f"threshold {threshold:.3g} booked as {successes} successes")

    def posterior(self, state: State) -> Belief:
        """Beta, a fraction of open interest by name."""
        return self.outcome(state).belief()


def _changes(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Start, end and relative change of open interest between samples, where it was positive before; shape (n, 3)."""
    before, after = samples[:-1], samples[1:]
    positive = before[:, 1] > 0
    before, after = before[positive], after[positive]
    return np.column_stack([before[:, 0], after[:, 0], (after[:, 1] - before[:, 1]) / before[:, 1]])


def _bad_drops(intervals: NDArray[np.float64], moves: NDArray[np.float64]) -> list[float]:
    """Sizes of the drops over intervals with fills whose mean move is bad."""
    ts, move = moves[:, 0], moves[:, 1]
    first, end = np.searchsorted(ts, intervals[:, 0], "left"), np.searchsorted(ts, intervals[:, 1], "right")
    return [
        float(-change)
        for change, i, j in zip(intervals[:, 2], first, end, strict=True)
        if change < 0 and j > i and move[i:j].mean() < BAD_BPS
    ]
