"""toxic_hour_gamma_mult: what a fill costs in toxic hours over what it costs in the others.

    x_j = fee + adverse move after 500 ms of a touch fill;   E[x] = c in normal hours, m c in toxic ones, both positive
    p(m | data) ~ p(m) integral p(c) L(c; normal) L(m c; toxic) dc
    L(mu; group) = (scale + (M2 + n (mean - mu)^2)/2)^-(shape + n/2)

Each group has a variance of its own, integrated out under an inverse gamma. m has the catalogue's LogNormal prior, c
that of the spread floor, Normal(5, 4) bps, cut at zero. c is integrated by the trapezoid rule on 400 points that hold
its mass, m is on a grid. The state holds (n, mean, M2) for each hour of the day, so which hours are toxic is a choice
that can be changed without replay.

Taken as given: hours are pooled within each of the two groups, fills are independent. Hours of the day in UTC, time 0
at midnight; costs in bps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mmresearch.belief.families import lognormal_from_mean_cv
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import mass_range, student_mixture, zoomed
from mmresearch.learn.contract import State
from mmresearch.learn.follow import FillFollower
from mmresearch.learn.sound.floor import Moments
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.orders import FillEvents
from mmresearch.tape.schema import Tape

HORIZON_S = 0.5
HOURS = 24
C_POINTS = 400


def hour_of_day(ts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the hour of the day, 0 to 23, at each time in seconds."""
    return np.floor(ts / 3600.0) % HOURS


def _hours(events: FillEvents) -> Mapping[str, NDArray]:
    return {"hour": hour_of_day(events.ts)}


@dataclass(frozen=True)
class ToxicState:
    """Moments of the cost of touch fills for each hour of the day, and the fills that wait for their markout."""

    follower: FillFollower = field(default_factory=lambda: FillFollower(PendingMarkouts((HORIZON_S,))))
    hours: tuple[Moments, ...] = (Moments(),) * HOURS

    @property
    def events(self) -> float:
        """Touch fills whose cost is known, discounted ones by their weight."""
        return sum(moments.n for moments in self.hours)

    def decayed(self, factor: float) -> ToxicState:
        """Return the state with the moments of every hour multiplied; fills that wait are no evidence yet."""
        return replace(self, hours=tuple(moments.decayed(factor) for moments in self.hours))


@dataclass(frozen=True)
class ToxicHours:
    """Ratio of the expected costs of touch fills in two groups of hours.

    Parameters
    ----------
    hours : tuple of int
        Which hours of the day are toxic (UTC).
    mean, cv : float
        Prior of the ratio: mean, and sd over mean; the catalogue's LogNormal(2, .3) by default.
    cost_bps, cost_sd_bps : float
        Prior of the cost in normal hours.
    fill_sd_bps, shape : float
        Guess of the sd of one fill's cost, and how firm it is (shape of an inverse gamma, above 1).

    Raises
    ------
    ValueError
        If the toxic hours are none, all, or no hours of the day.
    """

    hours: tuple[int, ...] = (6, 7, 14)
    mean: float = 2.0
    cv: float = 0.3
    cost_bps: float = 5.0
    cost_sd_bps: float = 2.0
    fill_sd_bps: float = 6.0
    shape: float = 2.0
    parameter: str = "toxic_hour_gamma_mult"
    name: str = "ToxicHours"
    horizon_s: float = HORIZON_S

    def __post_init__(self) -> None:
        """Refuse hours that leave one of the groups empty."""
        if not 0 < len(set(self.hours)) < HOURS or not set(self.hours) <= set(range(HOURS)):
            raise ValueError(f"hours must be some of 0 to 23 and not all, got {self.hours}")

    def init(self) -> ToxicState:
        """Start from the prior."""
        return ToxicState()

    def update(self, state: ToxicState, tape: Tape) -> ToxicState:
        """Add the cost of the touch fills whose markout the slice resolves, to the hour in which they happened."""
        follower, done = state.follower.step(tape, _hours)
        cost = tape.meta.fee_bps + done.adverse_bps[done.at_touch, 0]
        if not cost.size:
            return replace(state, follower=follower)
        hour = np.asarray(done.extra["hour"])[done.at_touch]
        hours = tuple(m.add(cost[hour == h]) for h, m in enumerate(state.hours))
        return ToxicState(follower, hours)

    def posterior(self, state: State) -> GridBelief:
        """Density of the ratio."""
        toxic, normal = self.groups(state)
        cost, log_cost = self._cost(normal)
        prior = lognormal_from_mean_cv(self.mean, self.cv)
        low, high = prior.ppf(np.array([1e-12, 1 - 1e-12]))
        if toxic.n and normal.n and toxic.mean > 0 and normal.mean > 0:
            low, high = min(low, toxic.mean / normal.mean / 3), max(high, toxic.mean / normal.mean * 3)
        return zoomed(
            lambda m: special.logsumexp(self._joint(m, cost, log_cost, toxic), axis=1), float(low), float(high), True
        )

    def predictive(self, state: State, hour: int = 0) -> GridBelief:
        """Return the law of the cost of the next touch fill, in bps.

        Parameters
        ----------
        state : ToxicState
            What has been seen.
        hour : int
            Hour of the day in which it happens.
        """
        toxic, normal = self.groups(state)
        group = toxic if hour in self.hours else normal
        ratio, (cost, log_cost) = self.posterior(state).x[::10], self._cost(normal)
        cost, log_cost = cost[::10], log_cost[::10]
        log_weight = (self._joint(ratio, cost, log_cost, toxic) + np.log(np.gradient(ratio))[:, None]).ravel()
        mean = (np.multiply.outer(ratio if group is toxic else np.ones(ratio.size), cost)).ravel()
        shape = self.shape + 0.5 * group.n
        scale = self.fill_sd_bps**2 * (self.shape - 1) + 0.5 * (group.m2 + group.n * (group.mean - mean) ** 2)
        return student_mixture(2 * shape, mean, np.sqrt(scale / shape), np.exp(log_weight - log_weight.max()))

    def groups(self, state: ToxicState) -> tuple[Moments, Moments]:
        """Return the moments of costs in toxic and in normal hours, in bps."""
        toxic, normal = Moments(), Moments()
        for hour, moments in enumerate(state.hours):
            if hour in self.hours:
                toxic = toxic.merge(moments)
            else:
                normal = normal.merge(moments)
        return toxic, normal

    def _joint(
        self, ratio: NDArray[np.float64], cost: NDArray[np.float64], log_cost: NDArray[np.float64], toxic: Moments
    ) -> NDArray[np.float64]:
        """Log density of ratio and cost in normal hours together; shape (ratios, costs)."""
        log_prior = lognormal_from_mean_cv(self.mean, self.cv).logpdf(ratio)
        return log_prior[:, None] + log_cost + self._log_likelihood(np.multiply.outer(ratio, cost), toxic)

    def _cost(self, normal: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points of the cost in normal hours that hold its mass, and their log weights."""

        def log_density(c: NDArray[np.float64]) -> NDArray[np.float64]:
            return -0.5 * ((c - self.cost_bps) / self.cost_sd_bps) ** 2 + self._log_likelihood(c, normal)

        tiny = 1e-3 * self.cost_sd_bps
        high = max(self.cost_bps + 9 * self.cost_sd_bps, 3 * normal.mean)
        cost = np.linspace(*mass_range(log_density, tiny, high), C_POINTS)
        return cost, log_density(cost)

    def _log_likelihood(self, mean: NDArray[np.float64], seen: Moments) -> NDArray[np.float64]:
        scale = self.fill_sd_bps**2 * (self.shape - 1)
        spread = 0.5 * (seen.m2 + seen.n * (seen.mean - mean) ** 2) / scale
        return -(self.shape + 0.5 * seen.n) * np.log1p(spread)
