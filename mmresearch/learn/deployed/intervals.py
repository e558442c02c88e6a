"""Intervals as deployed: a normal distribution clipped to the support, whatever the shape of the belief.

    ppf(p) = clip(m + s z_p, low, high),   z_p the standard normal quantile

m and s are mean and sd of the belief that it stands for, in the unit of the parameter; low and high bound the support.
`NormalIntervals` gives any learner such a belief, so that this fault can be tried by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mmresearch.belief.catalogue import parameter
from mmresearch.belief.contract import Distribution, require_finite, require_positive
from mmresearch.learn.contract import Learner, State, name_of
from mmresearch.tape.schema import Tape


@dataclass(frozen=True)
class ClippedNormal(Distribution):
    """Mean and sd of a belief, quantiles of a normal clipped to the support.

    Parameters
    ----------
    location, scale : float
        Mean and sd of the belief that it stands for.
    low, high : float
        Support.
    """

    location: float
    scale: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a belief without mean or sd."""
        require_finite(location=self.location)
        require_positive(scale=self.scale)

    def mean(self) -> float:
        """Mean of the belief that it stands for: not the integral of `ppf` where that is clipped."""
        return self.location

    def var(self) -> float:
        """Variance of the belief that it stands for."""
        return self.scale**2

    def cdf(self, x: ArrayLike) -> Any:
        """Normal cdf inside the support, 0 below it and 1 from its upper end on."""
        x = np.asarray(x, dtype=float)
        inside = special.ndtr((x - self.location) / self.scale)
        return np.where(x < self.low, 0.0, np.where(x >= self.high, 1.0, inside))[()]

    def ppf(self, p: ArrayLike) -> Any:
        """Clipped normal quantiles."""
        return np.clip(self.location + self.scale * special.ndtri(np.asarray(p, dtype=float)), self.low, self.high)[()]

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density of the normal inside the support; the mass that piles up on its ends has none."""
        x = np.asarray(x, dtype=float)
        z = (x - self.location) / self.scale
        value = -0.5 * z * z - math.log(self.scale) - 0.5 * math.log(2 * math.pi)
        return np.where((x > self.low) & (x < self.high), value, -np.inf)[()]


@dataclass(frozen=True)
class NormalIntervals:
    """A learner whose belief is read through its mean and sd alone.

    Parameters
    ----------
    of : Learner
        Whom to read so; its evidence and its algebra stay as they are.
    """

    of: Learner

    @property
    def parameter(self) -> str:
        """Name in the catalogue."""
        return self.of.parameter

    @property
    def name(self) -> str:
        """Name of the learner, and what is done to it."""
        return f"{name_of(self.of)}NormalIntervals"

    @property
    def reads(self) -> str:
        """Which tables carry the evidence."""
        return str(getattr(self.of, "reads", "fills"))

    def init(self) -> State:
        """Start as the learner does."""
        return self.of.init()

    def update(self, state: State, tape: Tape) -> State:
        """Learn as the learner does."""
        return self.of.update(state, tape)

    def posterior(self, state: State) -> ClippedNormal:
        """Clipped normal with the learner's mean and sd, in the unit of the parameter."""
        belief = self.of.posterior(state)
        low, high = parameter(self.parameter).support
        return ClippedNormal(float(belief.mean()), float(belief.std()), low, high)
