"""Hyperpriors of the models of series, with units and the reason for each scale.

As in `mmresearch.models.priors`: weakly informative, the sd between assets log-normal. Locations are logarithms or
logits in seconds and bps: kalman variances of 1e-8 are 1 bps^2. Scales of 1.5 to 2 let a venue be twenty to fifty times
as fast or as noisy as another before the prior objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmresearch.models.priors import Population


@dataclass(frozen=True)
class FlowPriors:
    """Hawkes flow: log mu_i, logit n_i and log beta_i are Normal, independent of each other.

    Attributes
    ----------
    mu : Population
        Log mu (1/s): the catalogue's .5 per second; 1.5.
    n : Population
        Logit n: the catalogue's branching of .3; 1.25, so that .03 to .84 lies within two sd.
    beta : Population
        Log beta (1/s): memory of 2 s; 2, as clocks of venues differ by a factor of a thousand.
    """

    mu: Population = Population(float(np.log(0.5)), 1.5, 0.6)
    n: Population = Population(float(np.log(0.3 / 0.7)), 1.25, 0.6)
    beta: Population = Population(float(np.log(0.5)), 2.0, 0.6)


@dataclass(frozen=True)
class LevelPriors:
    """Local level: log q_i and log r_i are Normal, independent of each other.

    Attributes
    ----------
    q : Population
        Log q (bps^2 per s): the catalogue's 1e-8 is 1; 2; between assets 1.2, as variances go as squares, so about
        twice that of volatilities.
    r : Population
        Log r (bps^2): the catalogue's 2.5e-9 is .25; 2; 1.2.
    """

    q: Population = Population(0.1, 2.0, 1.2)
    r: Population = Population(float(np.log(0.25)), 2.0, 1.2)


@dataclass(frozen=True)
class HazardPriors:
    """Changepoints: log h_i is Normal.

    Attributes
    ----------
    h : Population
        Log h (1/s): the catalogue's .004, one in four minutes; 1.5.
    """

    h: Population = Population(float(np.log(0.004)), 1.5, 0.7)


@dataclass(frozen=True)
class LeadPriors:
    """Microprice minus mid: log lambda_i (rate of forgetting) and log v_i (variance) are Normal.

    Attributes
    ----------
    rate : Population
        Log lambda (1/s): memory of two minutes; 2, from some seconds to an hour.
    v : Population
        Log v (bps^2): an sd of .5 bps; 2.
    """

    rate: Population = Population(float(np.log(1.0 / 120.0)), 2.0, 0.6)
    v: Population = Population(float(np.log(0.25)), 2.0, 0.8)


@dataclass(frozen=True)
class RegimePriors:
    """Hidden regimes: logit stay_i is Normal; what a regime looks like is each asset's own.

    Returns are in typical returns of the asset, spreads relative to its median, so that these scales have no unit.

    Attributes
    ----------
    stay : Population
        Logit of staying for a second: the catalogue's .95; 1.5, so that .5 to .997 lies within two sd.
    calm_location, calm_scale : float
        Log sd of returns in the calmest regime: a third below the typical; .7, from a sixth of it to nearly three.
    rise_scale : float
        Half-Normal of the steps of that log sd from a regime to the next: 1, a step of e is nothing unusual.
    narrow_location, narrow_scale : float
        Mean log spread in the calmest regime: a fifth below the median; .7.
    widen_scale : float
        Half-Normal of the steps of that mean: 1, as for returns; none at all is likely enough.
    scatter_location, scatter_scale : float
        Log sd of the log spread within a regime, beyond rounding: a tenth; 1.
    jump_a, jump_b : float
        Beta of the share of returns that are jumps: mean 2 %, the learner's fifty clean pseudo-observations.
    """

    stay: Population = Population(float(np.log(0.95 / 0.05)), 1.5, 0.6)
    calm_location: float = -0.4
    calm_scale: float = 0.7
    rise_scale: float = 1.0
    narrow_location: float = -0.2
    narrow_scale: float = 0.7
    widen_scale: float = 1.0
    scatter_location: float = float(np.log(0.1))
    scatter_scale: float = 1.0
    jump_a: float = 1.0
    jump_b: float = 51.0


@dataclass(frozen=True)
class SegmentPriors:
    """What a segment between unreported changepoints looks like: returns Normal, mean and variance its own.

    Normal-inverse-gamma, in typical returns of the asset: variance ~ InvGamma(shape, scale), mean ~ N(0, variance/k).

    Attributes
    ----------
    k : float
        Seconds that the prior of the mean is worth: 4, a drift of half an sd per second, which ten seconds show.
    shape, scale : float
        Of the variance: 2 and 1, a mean of 1 and an infinite variance, so that threefold volatilities are no surprise.
    """

    k: float = 4.0
    shape: float = 2.0
    scale: float = 1.0
