"""Hyperpriors of the models of series, with units and the reason for each scale.

As in `mmresearch.models.priors`: weakly informative, the sd between assets log-normal. Locations are logarithms or
logits in seconds and bps: kalman variances of 1e-8 are 1 bps^2. Scales of 1.5 to 2 let a venue be twenty to fifty times
as fast or as noisy as another before the prior objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FlowPriors:
    """Hawkes flow: log mu_i, logit n_i and log beta_i are Normal, independent of each other.

    Attributes
    ----------
    mu_location, mu_scale : float
        Population mean of log mu (1/s): the catalogue's .5 per second; 1.5.
    tau_mu_median, tau_mu_log_sd : float
        Log-normal of its sd between assets.
    n_location, n_scale : float
        Population mean of logit n: the catalogue's branching of .3; 1.25, so that .03 to .84 lies within two sd.
    tau_n_median, tau_n_log_sd : float
        Log-normal of its sd between assets.
    beta_location, beta_scale : float
        Population mean of log beta (1/s): memory of 2 s; 2, as clocks of venues differ by a factor of a thousand.
    tau_beta_median, tau_beta_log_sd : float
        Log-normal of its sd between assets.
    """

    mu_location: float = float(np.log(0.5))
    mu_scale: float = 1.5
    tau_mu_median: float = 0.6
    tau_mu_log_sd: float = 0.6
    n_location: float = float(np.log(0.3 / 0.7))
    n_scale: float = 1.25
    tau_n_median: float = 0.6
    tau_n_log_sd: float = 0.6
    beta_location: float = float(np.log(0.5))
    beta_scale: float = 2.0
    tau_beta_median: float = 0.6
    tau_beta_log_sd: float = 0.6


@dataclass(frozen=True)
class LevelPriors:
    """Local level: log q_i and log r_i are Normal, independent of each other.

    Attributes
    ----------
    q_location, q_scale : float
        Population mean of log q (bps^2 per s): the catalogue's 1e-8 is 1; 2.
    tau_q_median, tau_q_log_sd : float
        Log-normal of its sd between assets: variances go as squares, so about twice that of volatilities.
    r_location, r_scale : float
        Population mean of log r (bps^2): the catalogue's 2.5e-9 is .25; 2.
    tau_r_median, tau_r_log_sd : float
        Log-normal of its sd between assets.
    """

    q_location: float = 0.1
    q_scale: float = 2.0
    tau_q_median: float = 1.2
    tau_q_log_sd: float = 0.6
    r_location: float = float(np.log(0.25))
    r_scale: float = 2.0
    tau_r_median: float = 1.2
    tau_r_log_sd: float = 0.6


@dataclass(frozen=True)
class HazardPriors:
    """Changepoints: log h_i is Normal.

    Attributes
    ----------
    h_location, h_scale : float
        Population mean of log h (1/s): the catalogue's .004, one in four minutes; 1.5.
    tau_h_median, tau_h_log_sd : float
        Log-normal of its sd between assets.
    """

    h_location: float = float(np.log(0.004))
    h_scale: float = 1.5
    tau_h_median: float = 0.7
    tau_h_log_sd: float = 0.6


@dataclass(frozen=True)
class LeadPriors:
    """Microprice minus mid: log lambda_i (rate of forgetting) and log v_i (variance) are Normal.

    Attributes
    ----------
    rate_location, rate_scale : float
        Population mean of log lambda (1/s): memory of two minutes; 2, from some seconds to an hour.
    tau_rate_median, tau_rate_log_sd : float
        Log-normal of its sd between assets.
    v_location, v_scale : float
        Population mean of log v (bps^2): an sd of .5 bps; 2.
    tau_v_median, tau_v_log_sd : float
        Log-normal of its sd between assets.
    """

    rate_location: float = float(np.log(1.0 / 120.0))
    rate_scale: float = 2.0
    tau_rate_median: float = 0.6
    tau_rate_log_sd: float = 0.6
    v_location: float = float(np.log(0.25))
    v_scale: float = 2.0
    tau_v_median: float = 0.8
    tau_v_log_sd: float = 0.6
