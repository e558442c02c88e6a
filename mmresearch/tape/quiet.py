"""How far the mid moves when nobody traded with us: the noise that any markout label sees.

The mid is read on a fixed grid of horizon-long steps. A step is *quiet* if no own fill happened in it or shortly
before. The share of steps whose move exceeds a threshold, halved because the law of noise has no side, is the chance
that a one-sided label fires although the fill was not informed.

Units: seconds, bps of mid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.schema import Tape

#: Fewer quiet steps than this say too little; then all steps are used, which errs towards more noise.
ENOUGH_STEPS = 200


@dataclass(frozen=True)
class QuietMoves:
    """Counts of noise moves, carried from slice to slice.

    Attributes
    ----------
    threshold_bps, step_s, clear_s : float
        Move that a label calls adverse, length of a step, and how long after an own fill a step is not quiet.
    quiet, quiet_beyond, every, every_beyond : float
        Quiet steps, those of them that moved beyond the threshold (either way), and the same over all steps.
    last_step : int or None
        Index of the last grid point read.
    last_mid, newest_mid, last_fill : float
        Mid at that grid point, mid of the newest quote, time of the newest own fill (NaN if none yet).
    """

    threshold_bps: float = 5.0
    step_s: float = 0.5
    clear_s: float = 1.0
    quiet: float = 0.0
    quiet_beyond: float = 0.0
    every: float = 0.0
    every_beyond: float = 0.0
    last_step: int | None = None
    last_mid: float = np.nan
    newest_mid: float = np.nan
    last_fill: float = np.nan

    def step(self, tape: Tape) -> QuietMoves:
        """Count the grid steps that end in the slice; any cutting of a tape gives the same counts."""
        first = int(np.ceil(tape.t0 / self.step_s)) if self.last_step is None else self.last_step + 1
        grid = np.arange(first, int(np.ceil(tape.t1 / self.step_s)))
        fills = tape.fills["ts"].to_numpy()
        mids = self._mids(tape, grid * self.step_s)
        after = replace(self, newest_mid=_newest(tape, self.newest_mid), last_fill=fills[-1] if fills.size else self.last_fill)
        if not grid.size:
            return after
        path = np.append(self.last_mid, mids)
        with np.errstate(invalid="ignore"):
            beyond = np.abs(np.diff(path)) / path[:-1] * 1e4 > self.threshold_bps
        seen = np.isfinite(path[:-1]) & np.isfinite(mids)
        calm = seen & ~self._disturbed(grid * self.step_s, fills)
        return replace(
            after,
            quiet=self.quiet + float(calm.sum()),
            quiet_beyond=self.quiet_beyond + float((calm & beyond).sum()),
            every=self.every + float(seen.sum()),
            every_beyond=self.every_beyond + float((seen & beyond).sum()),
            last_step=int(grid[-1]),
            last_mid=float(mids[-1]),
        )

    def false_positive(self) -> float:
        """Chance that a one-sided label beyond the threshold fires on noise alone."""
        if self.quiet >= ENOUGH_STEPS:
            return 0.5 * self.quiet_beyond / self.quiet
        return 0.5 * self.every_beyond / self.every if self.every else 0.0

    def _mids(self, tape: Tape, times: NDArray[np.float64]) -> NDArray[np.float64]:
        quotes = tape.quotes
        mid = (quotes["bid"].to_numpy() + quotes["ask"].to_numpy()) / 2
        known = np.append(self.newest_mid, mid)
        return known[np.searchsorted(quotes["ts"].to_numpy(), times, side="right")]

    def _disturbed(self, ends: NDArray[np.float64], fills: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether an own fill lies in (end - step - clear, end]."""
        known = np.append(self.last_fill, fills)
        newest = known[np.searchsorted(fills, ends, side="right")]
        with np.errstate(invalid="ignore"):
            return newest > ends - self.step_s - self.clear_s


def _newest(tape: Tape, before: float) -> float:
    if tape.quotes.empty:
        return before
    last = tape.quotes.iloc[-1]
    return float((last["bid"] + last["ask"]) / 2)
