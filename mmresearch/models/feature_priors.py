"""Hyperpriors of the models of moves, costs and falls, with units and the reason for each scale.

As in `mmresearch.models.priors`: weakly informative, the sd between assets log-normal. The location of a `Population`
is the catalogue's prior mean, or the guess of the conjugate learner.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mmresearch.models.priors import Population


@dataclass(frozen=True)
class TailPriors:
    """Degrees of freedom of heavy-tailed noise, the same for all assets: nu - 2 ~ Gamma(shape, rate).

    Attributes
    ----------
    shape, rate : float
        2 and .1 (Juarez and Steel 2010): mean 20, nothing at 2, where the variance would be infinite.
    """

    shape: float = 2.0
    rate: float = 0.1


@dataclass(frozen=True)
class VolatilityPriors:
    """sigma_bps_per_sqrt_s: the log sd of moves over a second.

    Attributes
    ----------
    s : Population
        Log of bps: that of the momentum normaliser over a second instead of a minute, 2.6 bps.
    tail : TailPriors
        Of Student-t moves.
    """

    s: Population = Population(float(np.log(20.0 / np.sqrt(60.0))), 1.5, 0.6)
    tail: TailPriors = field(default_factory=TailPriors)


@dataclass(frozen=True)
class NormalizerPriors:
    """momentum_normalizer_bps: the log sd of moves over a minute.

    Attributes
    ----------
    s : Population
        Log of bps: the catalogue's 20; 1.5, so that 1 to 400 bps lies within two sd.
    tail : TailPriors
        Of Student-t moves.
    """

    s: Population = Population(float(np.log(20.0)), 1.5, 0.6)
    tail: TailPriors = field(default_factory=TailPriors)


@dataclass(frozen=True)
class SlopePriors:
    """proactive_skew_sensitivity: slope of the move over 10 s on momentum, and its noise.

    Attributes
    ----------
    b : Population
        bps per unit momentum: the catalogue's 2; 3, so that its plausible range, -5 to 10, lies within three sd.
    s : Population
        Log scale of the noise, bps over 10 s: the learner's guess of 5; 1.5, as of any volatility.
    intercept_sd_bps : float
        Normal of each asset's move over 10 s at its mean momentum, about 0: far wider than any drift.
    tail : TailPriors
        Of Student-t noise.
    """

    b: Population = Population(2.0, 3.0, 0.5)
    s: Population = Population(float(np.log(5.0)), 1.5, 0.6)
    intercept_sd_bps: float = 10.0
    tail: TailPriors = field(default_factory=TailPriors)


@dataclass(frozen=True)
class BiasPriors:
    """predictive_bias_sensitivity: mean of the move after a changepoint in sigmas, and its scatter.

    Attributes
    ----------
    b : Population
        Sigmas: the catalogue's 2; 2, so that -5 to 5 is allowed.
    s : Population
        Log of sigmas: moves scatter by one by definition; .5 as the volatility at a changepoint is another.
    tail : TailPriors
        Of Student-t moves.
    """

    b: Population = Population(2.0, 2.0, 0.5)
    s: Population = Population(0.0, 0.5, 0.2)
    tail: TailPriors = field(default_factory=TailPriors)


@dataclass(frozen=True)
class HourPriors:
    """toxic_hour_gamma_mult: cost of a touch fill by hour of the day, bps.

    Attributes
    ----------
    cost : Population
        Mean cost in normal hours, bps: the learner's 5; 4; 1.5 between assets, from fee alone to many informed fills.
    extra : Population
        What toxic hours add, bps: 5, as the catalogue's ratio is 2; 5, so that nothing and thrice that are allowed.
    s : Population
        Log sd of one fill's cost in normal hours, log of bps: the learner's guess of 6; 1.
    s_ratio : Population
        Log of the sd in toxic hours over that in normal ones: none known; .7, a factor of two either way.
    c_median, c_log_sd : float
        Log-normal of the sd between hours of one kind, as a fraction of one fill's sd: a tenth, as of windows.
    """

    cost: Population = Population(5.0, 4.0, 1.5)
    extra: Population = Population(5.0, 5.0, 1.5)
    s: Population = Population(float(np.log(6.0)), 1.0, 0.6)
    s_ratio: Population = Population(0.0, 0.7, 0.3)
    c_median: float = 0.1
    c_log_sd: float = 0.6


@dataclass(frozen=True)
class CascadePriors:
    """cascade_oi_threshold: log of the fall of open interest beyond which markouts are bad.

    Attributes
    ----------
    u : Population
        Log of a fraction of open interest: the catalogue's .02; 1, so that .003 to .15 lies within two sd.
    """

    u: Population = Population(float(np.log(0.02)), 1.0, 0.5)
