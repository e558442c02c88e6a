"""spread_floor_bps: the least half-spread that pays, maker fee plus expected adverse move 500 ms after a touch fill.

x_j = fee + adverse_j of each touch fill has unknown mean (the floor) and unknown variance:

    (floor, variance) ~ Normal-inverse-gamma(m, count, shape, scale),   updated by (n, mean, M2) of the x_j.

The state holds (n, mean, M2), which add without cancellation; the belief is the Student-t marginal of the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.normal import NormalInverseGamma
from mmresearch.learn.contract import State
from mmresearch.learn.follow import FillFollower
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.schema import Tape

HORIZON_S = 0.5


@dataclass(frozen=True)
class Moments:
    """Number, mean and sum of squared deviations; they add exactly by Chan's rule."""

    n: float = 0.0
    mean: float = 0.0
    m2: float = 0.0

    def add(self, values: NDArray[np.float64]) -> Moments:
        """Return the moments of these and the given values together."""
        if not values.size:
            return self
        mean = float(values.mean())
        return self.merge(Moments(float(values.size), mean, float(((values - mean) ** 2).sum())))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of values together."""
        if not other.n:
            return self
        n, gap = self.n + other.n, other.mean - self.mean
        m2 = self.m2 + other.m2 + gap**2 * self.n * other.n / n
        return Moments(n, self.mean + gap * other.n / n, m2)

    def decayed(self, factor: float) -> Moments:
        """Return the moments of the same values, each with its weight multiplied: the mean stays."""
        n = self.n * factor
        # Where the count underflows, squares may not: nothing deviates from nothing.
        return Moments(n, self.mean, self.m2 * factor) if n > 1e-200 else Moments()


@dataclass(frozen=True)
class FloorState:
    """Moments of the cost of touch fills, and the fills that still wait for their markout."""

    follower: FillFollower = field(default_factory=lambda: FillFollower(PendingMarkouts((HORIZON_S,))))
    cost: Moments = field(default_factory=Moments)

    @property
    def events(self) -> float:
        """Touch fills with a known cost, discounted ones by their weight."""
        return self.cost.n

    def decayed(self, factor: float) -> FloorState:
        """Return the state with its moments discounted; fills that wait for a markout are not evidence yet."""
        return replace(self, cost=self.cost.decayed(factor))


@dataclass(frozen=True)
class SpreadFloor:
    """Normal-inverse-gamma on fee plus adverse move of touch fills.

    Parameters
    ----------
    mean_bps, sd_bps : float
        Prior of the floor: the catalogue's Normal(5, 4) by default.
    fill_sd_bps : float
        Prior guess of the sd of one fill's cost; learned, with `shape` saying how firm the guess is.
    shape : float
        Shape of the prior inverse gamma of the variance; above 1.
    """

    mean_bps: float = 5.0
    sd_bps: float = 2.0
    fill_sd_bps: float = 6.0
    shape: float = 2.0
    parameter: str = "spread_floor_bps"
    name: str = "SpreadFloor"
    horizon_s: float = HORIZON_S

    def init(self) -> FloorState:
        """Start from the prior."""
        return FloorState()

    def update(self, state: FloorState, tape: Tape) -> FloorState:
        """Add the cost of the touch fills whose markout the slice resolves."""
        follower, done = state.follower.step(tape)
        cost = tape.meta.fee_bps + done.adverse_bps[done.at_touch, 0]
        return replace(state, follower=follower, cost=state.cost.add(cost))

    def posterior(self, state: State) -> NormalInverseGamma:
        """Student-t marginal of the floor, in bps."""
        return self.prior().update(state.cost.n, state.cost.mean, state.cost.m2)

    def predictive(self, state: State) -> Any:
        """Return the law of the cost of the next touch fill in bps: Student-t (frozen scipy)."""
        return self.posterior(state).predictive()

    def prior(self) -> NormalInverseGamma:
        """Prior whose floor has the stated mean and sd, and whose expected variance is `fill_sd_bps` squared."""
        scale = self.fill_sd_bps**2 * (self.shape - 1)
        return NormalInverseGamma(self.mean_bps, self.fill_sd_bps**2 / self.sd_bps**2, self.shape, scale)
