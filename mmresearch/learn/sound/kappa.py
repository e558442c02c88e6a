"""kappa: the decay of fill intensity with distance, from fills *and* from orders that did not fill.

`KappaExposure` sees our own orders. With exposure E_k seconds at depth d_k and n_k fills there,

    n_k ~ Poisson(E_k A e^{-kappa d_k}),   A ~ Gamma(s, r),   kappa ~ Gamma(a, b):

A integrates out, so kappa's posterior is one-dimensional,

    p(kappa) ~ kappa^(a-1) e^{-b kappa} e^{-kappa sum n_k d_k} (r + sum E_k e^{-kappa d_k})^{-(s + N)},

and A given kappa is Gamma(s + N, r + sum E_k e^{-kappa d_k}): an exact joint belief, which a quote needs.

`KappaMarketOrders` sees other people's market orders. One that walks past the touch goes j >= 1 ticks beyond it with
P(at least j) = e^{-kappa tick (j - 1)}: geometric in ticks.

Depths in bps inside, kappa in 1/(fraction of price) outside; A per second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from mmresearch.belief.contract import Seed
from mmresearch.belief.grid import GridBelief
from mmresearch.learn.contract import State
from mmresearch.tape.exposure import DEPTH_BINS, order_exposure, sessions_of
from mmresearch.tape.mids import NO_QUOTES, QuoteArrays, quote_arrays
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import BEYOND, market_orders

COARSE, FINE = 160, 320
#: Depth of which the fills of the next second are foretold, before any order rested.
DEFAULT_DEPTH_BPS = 5.0
#: Log-density below the peak at which a grid may end.
DEPTH = 30.0


def grid_posterior(
    log_density: Callable[[NDArray[np.float64]], NDArray[np.float64]], prior_mean: float, shape: float
) -> GridBelief:
    """Normalise a log density of a positive parameter on a grid that finds its mass.

    Parameters
    ----------
    log_density : callable
        Vectorised log density, up to a constant, with respect to the parameter.
    prior_mean, shape : float
        Gamma prior: it says where to look first.
    """
    span = np.geomspace(prior_mean / 300, prior_mean * (60 + 30 / shape), COARSE)
    for _ in range(2):
        heights = log_density(span)
        used = np.flatnonzero(heights > heights.max() - DEPTH)
        low, high = span[max(used[0] - 1, 0)], span[min(used[-1] + 1, COARSE - 1)]
        span = np.linspace(low, high, COARSE)
    fine = np.linspace(low, high, FINE)
    return GridBelief(fine, log_density(fine))


@dataclass(frozen=True)
class IntensityBelief:
    """Belief about kappa that also knows A: exact joint of a grid and a Gamma.

    Attributes
    ----------
    kappa : GridBelief
        Marginal of kappa, in 1/(fraction of price).
    shape : float
        Shape of A given kappa.
    exposure_s, depth_bps : ndarray, shape (K,)
        What A's rate is made of.
    rate : float
        Prior rate of A, in seconds.
    """

    kappa: GridBelief
    shape: float
    exposure_s: NDArray[np.float64]
    depth_bps: NDArray[np.float64]
    rate: float

    def mean(self) -> float:
        """Posterior mean of kappa."""
        return self.kappa.mean()

    def std(self) -> float:
        """Posterior sd of kappa."""
        return self.kappa.std()

    def cdf(self, x: ArrayLike) -> Any:
        """P(kappa <= x)."""
        return self.kappa.cdf(x)

    def ppf(self, p: ArrayLike) -> Any:
        """Quantiles of kappa."""
        return self.kappa.ppf(p)

    def rvs(self, size: Any = None, random_state: Seed = None) -> Any:
        """Draws of kappa."""
        return self.kappa.rvs(size=size, random_state=random_state)

    def joint(self, size: int, random_state: Seed = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw (kappa, A) together: 1/(fraction of price) and 1/s, each of shape (size,)."""
        rng = np.random.default_rng(random_state)
        kappa = np.asarray(self.kappa.rvs(size=size, random_state=rng))
        rate = self.rate + np.exp(-np.multiply.outer(kappa * 1e-4, self.depth_bps)) @ self.exposure_s
        return kappa, rng.gamma(self.shape, size=size) / rate

    def fill_rate(self, depth_bps: float) -> tuple[float, float]:
        """Return mean and variance of the fill rate A e^{-kappa d} at a depth: 1/s and 1/s^2."""
        kappa = self.kappa.x * 1e-4
        weight = self.kappa.density * np.gradient(self.kappa.x)
        weight = weight / weight.sum()
        decay = np.exp(-kappa * depth_bps)
        given = decay / (self.rate + np.exp(-np.multiply.outer(kappa, self.depth_bps)) @ self.exposure_s)
        mean = self.shape * float(weight @ given)
        return mean, self.shape * (self.shape + 1.0) * float(weight @ given**2) - mean**2


@dataclass(frozen=True)
class ExposureState:
    """Order-seconds, depth-weighted order-seconds and fills per depth bin; orders that rest."""

    own: OwnOrders = field(default_factory=OwnOrders)
    exposure_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(DEPTH_BINS))
    depth_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(DEPTH_BINS))
    fills: NDArray[np.float64] = field(default_factory=lambda: np.zeros(DEPTH_BINS))

    @property
    def events(self) -> float:
        """Fills, discounted ones by their weight."""
        return float(self.fills.sum())

    def decayed(self, factor: float) -> ExposureState:
        """Return the state with fills and exposure multiplied; orders that rest stay as they are."""
        return ExposureState(self.own, self.exposure_s * factor, self.depth_s * factor, self.fills * factor)


@dataclass(frozen=True)
class KappaExposure:
    """Fills and non-fills of our own orders, A integrated out.

    Parameters
    ----------
    prior_mean, prior_shape : float
        Gamma prior of kappa, 1/(fraction of price); the catalogue's by default.
    A_shape, A_rate_s : float
        Gamma prior of A: mean A_shape/A_rate_s per second.
    """

    prior_mean: float = 2000.0
    prior_shape: float = 4.0
    A_shape: float = 1.0
    A_rate_s: float = 1.5
    parameter: str = "kappa"
    name: str = "KappaExposure"
    reads: str = "fills"

    def init(self) -> ExposureState:
        """Start from the prior."""
        return ExposureState()

    def update(self, state: ExposureState, tape: Tape) -> ExposureState:
        """Add the exposure and the fills of the slice."""
        own, quotes, resting, events = state.own.step(tape)
        seen = order_exposure(quotes, resting, events, np.array([tape.t0, tape.t1]), sessions_of(tape))
        return ExposureState(
            own,
            state.exposure_s + seen.exposure_s[0],
            state.depth_s + seen.depth_s_bps[0],
            state.fills + seen.fills[0],
        )

    def posterior(self, state: State) -> IntensityBelief:
        """Joint belief about kappa, 1/(fraction of price), and A."""
        used = state.exposure_s > 0
        exposure = state.exposure_s[used]
        depth = np.maximum(state.depth_s[used] / exposure, 0.0)
        n = state.fills[used]
        travelled, count = float(n @ depth) * 1e-4, float(n.sum())
        rate = self.prior_shape / self.prior_mean + travelled

        def log_density(kappa):
            survives = np.exp(-np.multiply.outer(kappa * 1e-4, depth)) @ exposure
            a = self.A_shape + count
            return (self.prior_shape - 1) * np.log(kappa) - rate * kappa - a * np.log(self.A_rate_s + survives)

        grid = grid_posterior(log_density, self.prior_mean, self.prior_shape)
        return IntensityBelief(grid, self.A_shape + count, exposure, depth, self.A_rate_s)

    def predictive(self, state: State, depth_bps: float | None = None, exposure_s: float = 1.0) -> Any:
        """Return the number of fills of an order that rests: negative binomial (frozen scipy).

        Exact for a given kappa; over kappa the rate has the exact mean and variance, and is taken to be Gamma.

        Parameters
        ----------
        state : ExposureState
            What has been seen.
        depth_bps : float, optional
            Depth of the order; if not given, the mean over the order-seconds so far (5 bps before any).
        exposure_s : float
            For how long it rests, in seconds.
        """
        if depth_bps is None:
            total = float(state.exposure_s.sum())
            depth_bps = float(state.depth_s.sum()) / total if total > 0 else DEFAULT_DEPTH_BPS
        mean, variance = self.posterior(state).fill_rate(depth_bps)
        shape, rate = mean * mean / variance, mean / variance
        return stats.nbinom(shape, rate / (rate + exposure_s))


@dataclass(frozen=True)
class WalkState:
    """Market orders that walked, how far beyond one tick in all, the mean tick, the last quote."""

    last_quote: QuoteArrays = NO_QUOTES
    beyond: float = 0.0
    excess_bps: float = 0.0
    tick_bps_sum: float = 0.0

    @property
    def events(self) -> float:
        """Market orders that walked, discounted ones by their weight."""
        return self.beyond

    def decayed(self, factor: float) -> WalkState:
        """Return the state with its counts and sums multiplied."""
        beyond, excess_bps = self.beyond * factor, self.excess_bps * factor
        return replace(self, beyond=beyond, excess_bps=excess_bps, tick_bps_sum=self.tick_bps_sum * factor)


@dataclass(frozen=True)
class KappaMarketOrders:
    """How far market orders walk beyond the touch, geometric in ticks.

    Parameters
    ----------
    prior_mean, prior_shape : float
        Gamma prior of kappa, 1/(fraction of price); the catalogue's by default.
    """

    prior_mean: float = 2000.0
    prior_shape: float = 4.0
    parameter: str = "kappa"
    name: str = "KappaMarketOrders"
    reads: str = "trades"

    def init(self) -> WalkState:
        """Start from the prior."""
        return WalkState()

    def update(self, state: WalkState, tape: Tape) -> WalkState:
        """Add the market orders of the slice that walked past the touch."""
        quotes = quote_arrays(tape.quotes, state.last_quote)
        orders = market_orders(tape.trades, quotes, tape.meta.tick)
        walked = orders.outcome == BEYOND
        tick_bps = (tape.meta.tick or 0.0) / orders.mid[walked] * 1e4
        excess = np.maximum(orders.excess_bps[walked] - tick_bps, 0.0)
        return replace(
            state,
            last_quote=quotes.last(),
            beyond=state.beyond + float(walked.sum()),
            excess_bps=state.excess_bps + float(excess.sum()),
            tick_bps_sum=state.tick_bps_sum + float(tick_bps.sum()),
        )

    def posterior(self, state: State) -> GridBelief:
        """Density of kappa on a grid, in 1/(fraction of price)."""
        tick = state.tick_bps_sum / state.beyond * 1e-4 if state.beyond else 0.0
        rate = self.prior_shape / self.prior_mean + state.excess_bps * 1e-4

        def log_density(kappa):
            step = np.log(-np.expm1(-kappa * tick)) if tick > 0 else np.log(kappa)
            return (self.prior_shape - 1) * np.log(kappa) - rate * kappa + state.beyond * step

        return grid_posterior(log_density, self.prior_mean, self.prior_shape)
