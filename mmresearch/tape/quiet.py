"""How far the mid moves when nobody traded with us: the noise that any markout label sees.

Moves are measured from a grid of instants exactly as a fill's would be: from the mid just before to the first quote at
or after the horizon. An instant is *quiet* if no own fill happened shortly before it or before its horizon. The share
of quiet moves beyond a threshold, halved because the law of noise has no side, is the chance that a one-sided label
fires although the fill was not informed.

Units: seconds, bps of mid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.schema import Tape

#: Fewer quiet moves than this say too little; then all are used, which errs towards more noise.
ENOUGH_MOVES = 200


@dataclass(frozen=True)
class QuietMoves:
    """Counts of noise moves, carried from slice to slice.

    Attributes
    ----------
    threshold_bps, horizon_s, clear_s : float
        Move that a label calls adverse, when it is measured, and how long after an own fill an instant is not quiet.
    quiet, quiet_beyond, every, every_beyond : float
        Quiet moves, those of them beyond the threshold (either way), and the same over all moves.
    pending : PendingMarkouts or None
        Instants whose horizon has not been reached.
    fills : ndarray, shape (n,)
        Times of the own fills that may still disturb one.
    """

    threshold_bps: float = 5.0
    horizon_s: float = 0.5
    clear_s: float = 1.0
    quiet: float = 0.0
    quiet_beyond: float = 0.0
    every: float = 0.0
    every_beyond: float = 0.0
    pending: PendingMarkouts | None = None
    fills: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def step(self, tape: Tape) -> QuietMoves:
        """Count the moves that the slice resolves; any cutting of a tape gives the same counts."""
        step = self.horizon_s
        grid = np.arange(np.ceil(tape.t0 / step), np.ceil(tape.t1 / step)) * step
        pending, done = (self.pending or PendingMarkouts((step,))).step_arrays(
            tape.quotes, {"ts": grid, "side": np.ones(grid.size)}
        )
        fills = np.concatenate([self.fills, tape.fills["ts"].to_numpy(dtype=float)])
        moves = np.abs(done.adverse_bps[:, 0])
        seen = np.isfinite(moves)
        beyond = seen & (moves > self.threshold_bps)
        calm = seen & ~self._disturbed(done.ts, fills)
        oldest = pending.ts[0] if len(pending) else tape.t1
        return replace(
            self,
            quiet=self.quiet + float(calm.sum()),
            quiet_beyond=self.quiet_beyond + float((calm & beyond).sum()),
            every=self.every + float(seen.sum()),
            every_beyond=self.every_beyond + float(beyond.sum()),
            pending=pending,
            fills=fills[fills > oldest - self.clear_s],
        )

    def false_positive(self) -> float:
        """Chance that a one-sided label beyond the threshold fires on noise alone."""
        if self.quiet >= ENOUGH_MOVES:
            return 0.5 * self.quiet_beyond / self.quiet
        return 0.5 * self.every_beyond / self.every if self.every else 0.0

    def _disturbed(self, ts: NDArray[np.float64], fills: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether an own fill lies in (ts - clear, ts + horizon]."""
        first = np.searchsorted(fills, ts - self.clear_s, side="right")
        return np.searchsorted(fills, ts + self.horizon_s, side="right") > first
