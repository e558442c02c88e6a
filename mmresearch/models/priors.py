"""Hyperpriors of the reference models, with units and the reason for each scale.

Internal units: bps, seconds, kappa per bp. The sd between assets is log-normal, its own log sd .6 unless stated: assets
are neither identical nor strangers. That keeps a sampler out of both ends of the funnel, which four assets cannot rule
out by themselves. The rest is weakly informative: wide enough for every asset that was seen
(kappa 0.3 to 3.5 per bp on perpetuals and equities), narrow enough to keep samplers out of the absurd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AlphaPriors:
    """alpha_touch: logit alpha_i ~ N(mu, tau), labels beta-binomial within windows.

    Attributes
    ----------
    mu_location, mu_scale : float
        Population mean of logit alpha: the catalogue's .25, and 1.5 so that .02 to .85 lies within two sd.
    tau_median, tau_log_sd : float
        Log-normal of the sd between assets, on the logit scale.
    rho_a, rho_b : float
        Beta of the intra-class correlation of labels in a window: mean .05, mass at independence.
    rho_floor : float
        Least correlation; below it the beta-binomial is the binomial, and its gamma functions only lose digits.
    """

    mu_location: float = float(np.log(0.25 / 0.75))
    mu_scale: float = 1.5
    tau_median: float = 0.6
    tau_log_sd: float = 0.6
    rho_a: float = 1.0
    rho_b: float = 19.0
    rho_floor: float = 1e-6


@dataclass(frozen=True)
class FloorPriors:
    """spread_floor_bps: expected adverse move AS_i ~ N(mu, tau), unknown scale, window effects integrated out.

    Attributes
    ----------
    mu_location, mu_scale : float
        Population mean of the adverse move, bps: the catalogue's floor of 5 less a fee of 1.5; sd 5.
    tau_median, tau_log_sd : float
        Log-normal of the sd between assets: about a bp; log sd .8, as venues differ.
    log_s_location, log_s_scale : float
        Population mean of the log sd of one fill's move: about 4 bps, and 1 so that .5 to 30 bps is allowed.
    tau_s_median, tau_s_log_sd : float
        Log-normal of its sd between assets.
    c_scale : float
        Half-normal scale of the window effect's sd, as a fraction of one fill's sd.
    """

    mu_location: float = 3.5
    mu_scale: float = 5.0
    tau_median: float = 1.0
    tau_log_sd: float = 0.8
    log_s_location: float = float(np.log(4.0))
    log_s_scale: float = 1.0
    tau_s_median: float = 0.6
    tau_s_log_sd: float = 0.6
    c_scale: float = 0.2


@dataclass(frozen=True)
class KappaPriors:
    """Kappa: (log kappa_i, log A_i) bivariate normal; both wander between windows.

    Attributes
    ----------
    mu_kappa_location, mu_kappa_scale : float
        Population mean of log kappa (per bp): the catalogue's .2 per bp; 1.5, as real kappas span .3 to 3.5.
    mu_A_location, mu_A_scale : float
        Population mean of log A (per second): .5 per second, and 2 (a factor of seven either way).
    tau_kappa_median, tau_kappa_log_sd, tau_A_median, tau_A_log_sd : float
        Log-normals of the sds between assets.
    corr_shape : float
        (correlation + 1)/2 ~ Beta(shape, shape): the LKJ prior of a 2 x 2 matrix.
    wander_kappa_scale : float
        Half-normal scale of the sd of log kappa between windows.
    burst_scale, burst_floor : float
        Half-normal scale of the sd of the intensity between windows, as a fraction of it; and the least variance that
        is told from none.
    """

    mu_kappa_location: float = float(np.log(0.2))
    mu_kappa_scale: float = 1.5
    mu_A_location: float = float(np.log(0.5))
    mu_A_scale: float = 2.0
    tau_kappa_median: float = 0.7
    tau_kappa_log_sd: float = 0.6
    tau_A_median: float = 0.6
    tau_A_log_sd: float = 0.6
    corr_shape: float = 2.0
    wander_kappa_scale: float = 0.3
    burst_scale: float = 0.3
    burst_floor: float = 1e-6


@dataclass(frozen=True)
class WalkPriors:
    """Kappa of trade tapes: does a market order walk past the touch, and how far.

    Attributes
    ----------
    mu_kappa_location, mu_kappa_scale, tau_kappa_median, tau_kappa_log_sd, wander_kappa_scale : float
        As in `KappaPriors`.
    mu_p_location, mu_p_scale, tau_p_median, tau_p_log_sd : float
        logit of the probability of walking: about .2; 1.5; sd between assets.
    rho_a, rho_b : float
        Beta of the intra-class correlation of walking within a window.
    rho_floor : float
        Least correlation, as in `AlphaPriors`.
    mu_rate_location, mu_rate_scale, tau_rate_median, tau_rate_log_sd : float
        Log rate of market orders per side (per second): about .3; 2; sd between assets.
    burst_scale, burst_floor : float
        As in `KappaPriors`, for the rate of market orders.
    """

    mu_kappa_location: float = float(np.log(0.2))
    mu_kappa_scale: float = 1.5
    tau_kappa_median: float = 0.7
    tau_kappa_log_sd: float = 0.6
    wander_kappa_scale: float = 0.3
    mu_p_location: float = float(np.log(0.2 / 0.8))
    mu_p_scale: float = 1.5
    tau_p_median: float = 0.6
    tau_p_log_sd: float = 0.6
    rho_a: float = 1.0
    rho_b: float = 19.0
    rho_floor: float = 1e-6
    mu_rate_location: float = float(np.log(0.3))
    mu_rate_scale: float = 2.0
    tau_rate_median: float = 0.7
    tau_rate_log_sd: float = 0.6
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
