"""The population from which the features of several assets come.

Rates, variances and ratios are lognormal, probabilities logit-normal, slopes Normal; all independent.

Units: as in `mmresearch.sim.features`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from mmresearch.sim.dynamics import FEATURES, Dynamics
from mmresearch.sim.features import (
    Account,
    Changepoints,
    Hawkes,
    Imbalance,
    Momentum,
    ObservationNoise,
    OpenInterest,
    Regimes,
    ToxicHours,
)


@dataclass(frozen=True)
class Spread:
    """Median of a value and its spread over assets.

    Attributes
    ----------
    median : float
        Median.
    sd : float
        Standard deviation of the logarithm, of the logit or of the value itself; 0 for the same everywhere.
    """

    median: float
    sd: float = 0.0


@dataclass(frozen=True)
class FeatureHyper:
    """Which features are on, and medians and spreads of what they are.

    Attributes
    ----------
    on : tuple of str
        Names of the features that the assets have; none by default.
    branching, imbalance_decay, stay : Spread
        Probabilities: the spread is that of the logit.
    hawkes_decay_per_s, momentum_reversion_per_s, hazard_per_s, volatility_ratio, noise_variance, oi_threshold, \
multiplier : Spread
        Positive values: the spread is that of the logarithm.
    slope_bps, move_sigmas : Spread
        Values of either sign: the spread is their own.
    spread_ratio, account_lots : float
        The same for all assets.

    Raises
    ------
    ValueError
        If a feature is not known.
    """

    on: tuple[str, ...] = ()
    branching: Spread = Spread(0.4, 0.5)
    hawkes_decay_per_s: Spread = Spread(1.0, 0.5)
    slope_bps: Spread = Spread(2.0, 0.5)
    momentum_reversion_per_s: Spread = Spread(0.05, 0.3)
    hazard_per_s: Spread = Spread(0.006, 0.3)
    move_sigmas: Spread = Spread(2.0, 0.5)
    stay: Spread = Spread(0.97, 0.5)
    volatility_ratio: Spread = Spread(3.0, 0.1)
    spread_ratio: float = 1.5
    noise_variance: Spread = Spread(2.5e-9, 0.4)
    imbalance_decay: Spread = Spread(0.95, 0.7)
    oi_threshold: Spread = Spread(0.02, 0.4)
    multiplier: Spread = Spread(2.0, 0.25)
    account_lots: float = 1.0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.on) - set(FEATURES))
        if unknown:
            raise ValueError(f"there is no feature {', '.join(unknown)}; there are {', '.join(FEATURES)}")


def draw_features(hyper: FeatureHyper, rng: np.random.Generator) -> dict[str, Any]:
    """Draw every feature of one asset, whether it is on or not; name -> feature.

    Parameters
    ----------
    hyper : FeatureHyper
        Medians and spreads.
    rng : numpy.random.Generator
        Source of randomness; as many draws are taken whatever is on.
    """
    z = iter(rng.standard_normal(12).tolist())

    def positive(spread: Spread) -> float:
        return float(spread.median * np.exp(spread.sd * next(z)))

    def share(spread: Spread) -> float:
        return float(expit(logit(spread.median) + spread.sd * next(z)))

    def either(spread: Spread) -> float:
        return float(spread.median + spread.sd * next(z))

    return {
        "hawkes": Hawkes(share(hyper.branching), positive(hyper.hawkes_decay_per_s)),
        "momentum": Momentum(either(hyper.slope_bps), positive(hyper.momentum_reversion_per_s)),
        "changepoints": Changepoints(min(positive(hyper.hazard_per_s), 1.0), either(hyper.move_sigmas)),
        "regimes": Regimes(share(hyper.stay), positive(hyper.volatility_ratio), hyper.spread_ratio),
        "noise": ObservationNoise(positive(hyper.noise_variance)),
        "imbalance": Imbalance(share(hyper.imbalance_decay)),
        "open_interest": OpenInterest(min(positive(hyper.oi_threshold), 0.5)),
        "toxic": ToxicHours(positive(hyper.multiplier)),
        "account": Account(hyper.account_lots),
    }


def draw_dynamics(hyper: FeatureHyper, rng: np.random.Generator) -> Dynamics:
    """Draw the features of one asset and keep those that are on.

    Parameters
    ----------
    hyper : FeatureHyper
        Which are on, medians and spreads.
    rng : numpy.random.Generator
        Source of randomness.
    """
    drawn = draw_features(hyper, rng)
    return Dynamics(**{name: drawn[name] for name in hyper.on})
