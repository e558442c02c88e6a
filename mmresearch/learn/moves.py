"""momentum_normalizer_bps: the standard deviation of the mid move over 60 s.

    r_i = log mid(60 (i + 1)) - log mid(60 i) ~ N(0, s^2), in bps;   s^2 ~ InverseGamma(a, b):
    a += n/2,   b += sum r_i^2/2,   and s is the root of an inverse gamma.

Moves are taken on the absolute grid of minutes, so they do not overlap and no cutting of a tape changes them. The mean
of a move is taken to be zero: over a minute a drift is far below the standard deviation. The prior has the mean and sd
of the catalogue's Gamma(20, 4), 20 and 10 bps, in the family that the likelihood conserves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmresearch.belief.scale import RootInverseGamma
from mmresearch.learn.contract import State
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

HORIZON_S = 60.0


@dataclass(frozen=True)
class MoveState:
    """Number of moves, sum of their squares in bps^2, and the point that waits for the next one."""

    resampler: Resampler = field(default_factory=lambda: Resampler(HORIZON_S))
    n: float = 0.0
    squares_bps2: float = 0.0


@dataclass(frozen=True)
class MoveScale:
    """Standard deviation of moves over a minute.

    Parameters
    ----------
    mean_bps, cv : float
        Prior mean, and ratio of its sd to it.
    """

    mean_bps: float = 20.0
    cv: float = 0.5
    parameter: str = "momentum_normalizer_bps"
    name: str = "MoveScale"
    reads: str = "trades"
    horizon_s: float = HORIZON_S

    def init(self) -> MoveState:
        """Start from the prior."""
        return MoveState()

    def update(self, state: MoveState, tape: Tape) -> MoveState:
        """Add the squares of the moves that the slice completes."""
        resampler, points = state.resampler.step(tape)
        moves = np.diff(points.log_mid)[points.neighbours()] * 1e4
        return MoveState(resampler, state.n + moves.size, state.squares_bps2 + float(moves @ moves))

    def posterior(self, state: State) -> RootInverseGamma:
        """Root of an inverse gamma, in bps."""
        return RootInverseGamma.from_mean_cv(self.mean_bps, self.cv).update(state.n, state.squares_bps2)

    def predictive(self, state: State) -> Any:
        """Return the law of the next move over 60 s in bps: Student-t (frozen scipy)."""
        return self.posterior(state).predictive()
