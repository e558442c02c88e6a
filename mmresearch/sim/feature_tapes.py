"""The second bundled set: three assets, an hour each, so that every learnable row has data and a truth somewhere.

    INDI   everything on: jumps after informed fills, cascades, the second half of it in a toxic hour
    JULI   a calm market whose open interest falls: no fill is informed, nothing foretells the mid but those falls
    KILO   no fill is informed, open interest is not read: volatility, momentum and changepoints alone move the mid

Rows about moves of the mid (see `mmresearch.sim.truths.disturbed`) have a truth on KILO only, rows of jumps on INDI.
The threshold of cascades has one on INDI too, but jumps and lively seconds move its mid by 10 bps in most minutes
anyway, so that only JULI can teach it. The first set stays without features: with all of them on, labels of 5 bps fire
on volatility alone; over forty assets the plain label learner of alpha was off by .7 of its sd, and on four of eight it
was certified no longer. Kappa and the floor stay certified.

Medians lie where the priors of the catalogue have mass, because it is learning that the tapes show, not quarrels with
a prior: flow of less than one order a second, decays of excitement below 1/s, a microprice that forgets slowly. KILO's
volatility is high and its changepoints are rare, so that drifts add little to the variance that its Kalman rows are
about.

Units: those of `mmresearch.sim.truth`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mmresearch.sim.dynamics import FEATURES
from mmresearch.sim.feature_population import FeatureHyper, Spread
from mmresearch.sim.policies import Policy
from mmresearch.sim.population import Hyper, population
from mmresearch.sim.truth import Truth, with_values
from mmresearch.sim.worlds import DEFAULT_POLICY, simulate
from mmresearch.tape.schema import Tape

#: What is kept of two hours that begin at midnight: half an hour on either side of one o'clock.
PLAYED_S, KEPT_S = 7200.0, (1800.0, 5400.0)
#: The hour of the day that is toxic on INDI: half of what is played and half of what is kept.
TOXIC_HOURS: tuple[int, ...] = (1,)
POLICY: Policy = DEFAULT_POLICY
#: Rate, per side, of the market orders that stop at the touch.
TOUCH_ONLY_PER_S = 0.1
#: The assets of the first set are the first of the same population.
FIRST = 8


def _hyper(on: tuple[str, ...], sigma_bps: float, hazard_per_s: float = 0.006, volatility_ratio: float = 3.0) -> Hyper:
    """Population of one kind of asset; sigma in bps per root second."""
    features = FeatureHyper(
        on=on,
        hawkes_decay_per_s=Spread(0.2, 0.5),
        imbalance_decay=Spread(0.998, 0.5),
        hazard_per_s=Spread(hazard_per_s, 0.3),
        volatility_ratio=Spread(volatility_ratio),
    )
    return Hyper(
        A=0.3, alpha_decay_bps=15.0, sigma_bps_per_sqrt_s=sigma_bps, sigma_log_sd=0.2, tick_ratio=0.1, features=features
    )


_ALWAYS = ("hawkes", "regimes", "noise", "imbalance", "account")
#: Asset -> the population that it comes from.
HYPERS: Mapping[str, Hyper] = {
    "INDI": _hyper(tuple(FEATURES), sigma_bps=0.8),
    "JULI": _hyper((*_ALWAYS, "open_interest"), sigma_bps=0.4, volatility_ratio=1.2),
    "KILO": _hyper((*_ALWAYS, "momentum", "changepoints"), sigma_bps=3.0, hazard_per_s=0.001, volatility_ratio=1.2),
}


def feature_truths(seed: int) -> list[Truth]:
    """Draw what is true of the three assets.

    Parameters
    ----------
    seed : int
        Of the population.
    """
    return [feature_truth(asset, seed, FIRST + i) for i, asset in enumerate(HYPERS)]


def feature_truth(asset: str, seed: int, i: int) -> Truth:
    """Draw what is true of an asset like one of the three.

    Parameters
    ----------
    asset : str
        Which of the three.
    seed : int
        Of the population.
    i : int
        Its place in the population.
    """
    drawn = population(i + 1, seed, HYPERS[asset])[i]
    truth = replace(drawn, asset=asset, touch_only_per_s=TOUCH_ONLY_PER_S)
    if truth.dynamics.toxic is None:
        return replace(truth, alpha_touch=0.0)
    return with_values(truth, toxic_hours=TOXIC_HOURS)


def feature_tapes(seed: int) -> list[Tape]:
    """Play the three assets whose truths are `feature_truths` of the same seed.

    Parameters
    ----------
    seed : int
        Of the population; asset i is seeded by (seed, `FIRST` + i).
    """
    played = [simulate(truth, PLAYED_S, POLICY, [seed, FIRST + i]) for i, truth in enumerate(feature_truths(seed))]
    return [tape.between(*KEPT_S) for tape in played]
