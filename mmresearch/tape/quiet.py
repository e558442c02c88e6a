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

from mmresearch.tape.mids import NO_QUOTES, QuoteArrays, mid_at_or_before, quote_arrays
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
    last_mid, last_fill : float
        Mid at that grid point, time of the newest own fill (NaN if none yet).
    last_quote : QuoteArrays
        The newest quote of the earlier slices.
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
    last_fill: float = np.nan
    last_quote: QuoteArrays = NO_QUOTES

    def step(self, tape: Tape) -> QuietMoves:
        """Count the grid steps that end in the slice; any cutting of a tape gives the same counts."""
        known = quote_arrays(tape.quotes, self.last_quote)
        fills = tape.fills["ts"].to_numpy()
        last_fill = float(fills[-1]) if fills.size else self.last_fill
        after = replace(self, last_quote=known.last(), last_fill=last_fill)
        first = int(np.ceil(tape.t0 / self.step_s)) if self.last_step is None else self.last_step + 1
        grid = np.arange(first, int(np.ceil(tape.t1 / self.step_s)))
        return after._count(grid, known, np.append(self.last_fill, fills)) if grid.size else after

    def _count(self, grid: NDArray[np.int_], known: QuoteArrays, fills: NDArray[np.float64]) -> QuietMoves:
        ends = grid * self.step_s
        path = np.append(self.last_mid, mid_at_or_before(known, ends))
        with np.errstate(invalid="ignore"):
            beyond = np.abs(np.diff(path)) / path[:-1] * 1e4 > self.threshold_bps
            newest = fills[np.searchsorted(fills[1:], ends, side="right")]
            disturbed = newest > ends - self.step_s - self.clear_s
        seen = np.isfinite(path[:-1]) & np.isfinite(path[1:])
        calm = seen & ~disturbed
        return replace(
            self,
            quiet=self.quiet + float(calm.sum()),
            quiet_beyond=self.quiet_beyond + float((calm & beyond).sum()),
            every=self.every + float(seen.sum()),
            every_beyond=self.every_beyond + float((seen & beyond).sum()),
            last_step=int(grid[-1]),
            last_mid=float(path[-1]),
        )

    def false_positive(self) -> float:
        """Chance that a one-sided label beyond the threshold fires on noise alone."""
        if self.quiet >= ENOUGH_STEPS:
            return 0.5 * self.quiet_beyond / self.quiet
        return 0.5 * self.every_beyond / self.every if self.every else 0.0
