"""Hyperpriors of the models of fills and market orders, with units and the reason for each scale.

Internal units: bps, seconds, kappa per bp. Each effect of an asset has a `Population`. The sd between assets is
log-normal, its own log sd .6 unless stated: assets are neither identical nor strangers. That keeps a sampler out of
both ends of the funnel, which four assets cannot rule out by themselves. The rest is weakly informative: wide enough
for every asset that was seen (kappa 0.3 to 3.5 per bp on perpetuals and equities), narrow enough to keep samplers out
of the absurd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Population:
    """Where the effects of assets come from: x_i ~ N(m, tau), m and tau learned.

    Attributes
    ----------
    location, scale : float
        Normal of m.
    tau_median, tau_log_sd : float
        Log-normal of tau.
    """

    location: float
    scale: float
    tau_median: float
    tau_log_sd: float = 0.6

    @property
    def alone_sd(self) -> float:
        """Sd of one effect about the location, tau at its median: the prior of an asset that is not pooled."""
        return float(np.hypot(self.scale, self.tau_median))


@dataclass(frozen=True)
class AlphaPriors:
    """alpha_touch: logit alpha_i ~ N(mu, tau), labels beta-binomial within windows.

    Attributes
    ----------
    alpha : Population
        logit alpha: the catalogue's .25, and 1.5 so that .02 to .85 lies within two sd; .6 between assets.
    rho_a, rho_b : float
        Beta of the intra-class correlation of labels in a window: mean .05, mass at independence.
    rho_floor : float
        Least correlation; below it the beta-binomial is the binomial, and its gamma functions only lose digits.
    """

    alpha: Population = Population(float(np.log(0.25 / 0.75)), 1.5, 0.6)
    rho_a: float = 1.0
    rho_b: float = 19.0
    rho_floor: float = 1e-6


@dataclass(frozen=True)
class FloorPriors:
    """spread_floor_bps: expected adverse move AS_i ~ N(mu, tau), unknown scale, window effects integrated out.

    Attributes
    ----------
    adverse : Population
        Adverse move, bps: the catalogue's floor of 5 less a fee of 1.5; sd 5; about a bp between assets, its log sd .8,
        as venues differ.
    s : Population
        Log sd of one fill's move: about 4 bps, and 1 so that .5 to 30 bps is allowed.
    c_scale : float
        Half-normal scale of the window effect's sd, as a fraction of one fill's sd.
    """

    adverse: Population = Population(3.5, 5.0, 1.0, 0.8)
    s: Population = Population(float(np.log(4.0)), 1.0, 0.6)
    c_scale: float = 0.2


#: Of own fills and of market orders alike.
_LOG_KAPPA = Population(float(np.log(0.2)), 1.5, 0.7)


@dataclass(frozen=True)
class KappaPriors:
    """Kappa: (log kappa_i, log A_i) bivariate normal; both wander between windows.

    Attributes
    ----------
    kappa : Population
        Log kappa (per bp): the catalogue's .2 per bp; 1.5, as real kappas span .3 to 3.5.
    A : Population
        Log A (per second): .5 per second, and 2 (a factor of seven either way).
    corr_shape : float
        (correlation + 1)/2 ~ Beta(shape, shape): the LKJ prior of a 2 x 2 matrix. Assets that are not pooled have none.
    wander_kappa_scale : float
        Half-normal scale of the sd of log kappa between windows.
    burst_scale, burst_floor : float
        Half-normal scale of the sd of the intensity between windows, as a fraction of it; and the least variance that
        is told from none.
    """

    kappa: Population = _LOG_KAPPA
    A: Population = Population(float(np.log(0.5)), 2.0, 0.6)
    corr_shape: float = 2.0
    wander_kappa_scale: float = 0.3
    burst_scale: float = 0.3
    burst_floor: float = 1e-6


@dataclass(frozen=True)
class WalkPriors:
    """Kappa of trade tapes: does a market order walk past the touch, and how far.

    Attributes
    ----------
    kappa, wander_kappa_scale
        As in `KappaPriors`.
    p : Population
        logit of the probability of walking: about .2; 1.5; sd between assets.
    rho_a, rho_b : float
        Beta of the intra-class correlation of walking within a window.
    rho_floor : float
        Least correlation, as in `AlphaPriors`.
    rate : Population
        Log rate of market orders per side (per second): about .3; 2; sd between assets.
    burst_scale, burst_floor : float
        As in `KappaPriors`, for the rate of market orders.
    """

    kappa: Population = _LOG_KAPPA
    wander_kappa_scale: float = 0.3
    p: Population = Population(float(np.log(0.2 / 0.8)), 1.5, 0.6)
    rho_a: float = 1.0
    rho_b: float = 19.0
    rho_floor: float = 1e-6
    rate: Population = Population(float(np.log(0.3)), 2.0, 0.7)
    burst_scale: float = 0.5
    burst_floor: float = 1e-6


def of_kind[Priors](kind: type[Priors], given: object | None) -> Priors:
    """Return the given hyperpriors, or the defaults of the kind if there are none.

    Raises
    ------
    TypeError
        If they are of another kind: they would be ignored without a word.
    """
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise TypeError(f"this evidence takes {kind.__name__}, got {type(given).__name__}")
    return given
