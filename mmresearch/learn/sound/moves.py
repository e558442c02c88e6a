"""momentum_normalizer_bps: the standard deviation of the mid move over 60 s.

    r_i = log mid(60 (i + 1)) - log mid(60 i) ~ N(0, s^2), in bps;   s ~ Gamma(a, b):
    p(s | data) ~ s^(a-1) e^{-b s} s^-n e^{-sum r_i^2/(2 s^2)},   on a grid.

Moves are taken on the absolute grid of minutes, so they do not overlap and no cutting of a tape changes them. The mean
of a move is taken to be zero: over a minute a drift is far below the standard deviation. The root of an inverse gamma
with the mean and sd of the catalogue's prior would need no grid, but denies small values: after two hours of moves of 5
bps it still reads 20 % too much.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.gamma import Gamma
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import student_mixture, zoomed
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

    @property
    def events(self) -> float:
        """Moves, discounted ones by their weight."""
        return self.n

    def decayed(self, factor: float) -> MoveState:
        """Return the state with count and squares multiplied: their root stays, the belief in it widens."""
        return replace(self, n=self.n * factor, squares_bps2=self.squares_bps2 * factor)


def moves_bps(resampler: Resampler, tape: Tape) -> tuple[Resampler, NDArray[np.float64]]:
    """Return the resampler after a slice, and the moves of the mid that the slice completes, in bps.

    Parameters
    ----------
    resampler : Resampler
        The mid on a grid, so far.
    tape : Tape
        The slice.
    """
    resampler, points = resampler.step(tape)
    return resampler, np.diff(points.log_mid)[points.neighbours()] * 1e4


@dataclass(frozen=True)
class MoveScale:
    """Standard deviation of moves over a minute.

    Parameters
    ----------
    shape, rate : float
        Prior Gamma of s, rate in 1/bps; the catalogue's mean 20 bps with strength 4 by default.
    """

    shape: float = 4.0
    rate: float = 0.2
    parameter: str = "momentum_normalizer_bps"
    name: str = "MoveScale"
    reads: str = "trades"
    horizon_s: float = HORIZON_S

    def init(self) -> MoveState:
        """Start from the prior."""
        return MoveState()

    def update(self, state: MoveState, tape: Tape) -> MoveState:
        """Add the squares of the moves that the slice completes."""
        resampler, moves = moves_bps(state.resampler, tape)
        return MoveState(resampler, state.n + moves.size, state.squares_bps2 + float(moves @ moves))

    def posterior(self, state: State) -> GridBelief:
        """Density of the standard deviation, in bps."""
        prior = Gamma(self.shape, self.rate)

        def log_density(s: NDArray[np.float64]) -> NDArray[np.float64]:
            return prior.logpdf(s) - state.n * np.log(s) - 0.5 * state.squares_bps2 / s**2

        low, high = prior.ppf(np.array([1e-12, 1.0 - 1e-12]))
        if state.squares_bps2 > 0:
            seen = np.sqrt(state.squares_bps2 / state.n)
            low, high = min(low, seen / 10.0), max(high, 10.0 * seen)
        return zoomed(log_density, float(low), float(high), positive=True)

    def predictive(self, state: State) -> GridBelief:
        """Return the law of the next move over 60 s in bps: Normal, its scale integrated out."""
        belief = self.posterior(state)
        weight = belief.density * np.gradient(belief.x)
        return student_mixture(np.inf, np.zeros(belief.x.size), belief.x, weight)
