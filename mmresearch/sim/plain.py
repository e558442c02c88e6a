"""The plain world of each parameter: its truth as given, what else matters drawn from the population.

Every other feature is off. Where a row is about moves of the mid, no fill is informed and the tick is fine, so that the
value is exact on the tape: nothing else moves the mid, and rounding adds less than 1e-15 of variance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmresearch.sim.feature_population import FeatureHyper, draw_features
from mmresearch.sim.population import feature_stream, population
from mmresearch.sim.truth import Truth, with_values

#: A mid that nothing but its own law moves.
_CLEAN = {"alpha_touch": 0.0, "tick_bps": 0.001}
#: By what flow is thinned in the world of days, so that fourteen of them are played in a second.
_THIN = 1 / 30
#: By what immigrants are thinned where decay is learned: clusters that lie one upon the other show it no better than
#: few do in the same time, and cost more.
_SPARSE = 0.1


@dataclass(frozen=True)
class Drawn:
    """What the population says of the asset of a plain world.

    Attributes
    ----------
    truth : Truth
        Features off.
    features : mapping of str to feature
        Each drawn, but for the values that are held fixed: a parameter that is a product follows from the others.
    seed : int
        Of the world.
    """

    truth: Truth
    features: Mapping[str, Any]
    seed: int


Values = dict[str, Any]


def _floor(theta: float, drawn: Drawn) -> Values:
    # Every fill moves the mid by a Normal amount, so that markouts are Normal with an unknown scale.
    spread = float(np.random.default_rng([drawn.seed, 1]).lognormal(np.log(4.0), 0.3))
    return {"alpha_touch": 1.0, "adverse_bps": theta - drawn.truth.fee_bps, "adverse_sd_bps": spread}


def _feature(name: str, value_name: str, clean: bool) -> Callable[[float, Drawn], Values]:
    """World of a row that is one value of one feature."""

    def values(theta: float, drawn: Drawn) -> Values:
        return _of(drawn, name) | {f"{name}_{value_name}": theta} | (_CLEAN if clean else {})

    return values


def _of(drawn: Drawn, name: str) -> Values:
    feature = drawn.features[name]
    return {f"{name}_{value_name}": value for value_name, value in vars(feature).items()}


def _thinned(drawn: Drawn, share: float) -> Values:
    """Rates of market orders, multiplied."""
    return {"A": drawn.truth.A * share, "touch_only_per_s": drawn.truth.touch_only_per_s * share}


def _hawkes_mu(theta: float, drawn: Drawn) -> Values:
    ratio = theta / (2 * (drawn.truth.A + drawn.truth.touch_only_per_s))
    return _thinned(drawn, ratio) | _of(drawn, "hawkes")


def _hawkes_alpha(theta: float, drawn: Drawn) -> Values:
    decay = theta / drawn.features["hawkes"].branching
    return _of(drawn, "hawkes") | {"hawkes_decay_per_s": decay} | _thinned(drawn, _SPARSE)


def _hawkes_beta(theta: float, drawn: Drawn) -> Values:
    return _of(drawn, "hawkes") | {"hawkes_decay_per_s": theta} | _thinned(drawn, _SPARSE)


def _kalman_q(theta: float, drawn: Drawn) -> Values:
    return _of(drawn, "noise") | {"sigma_bps_per_sqrt_s": float(np.sqrt(theta)) * 1e4} | _CLEAN


def _normalizer(theta: float, drawn: Drawn) -> Values:
    return {"sigma_bps_per_sqrt_s": theta / float(np.sqrt(60.0))} | _CLEAN


def _open_interest(theta: float, drawn: Drawn) -> Values:
    # Half the volatility, so that the noise of a minute is seldom as large as a bad move.
    calm = {"sigma_bps_per_sqrt_s": 0.5 * drawn.truth.sigma_bps_per_sqrt_s}
    return _feature("open_interest", "threshold", clean=True)(theta, drawn) | calm


def _toxic(theta: float, drawn: Drawn) -> Values:
    return _feature("toxic", "multiplier", clean=False)(theta, drawn) | _thinned(drawn, _THIN)


_WORLDS: Mapping[str, Callable[[float, Drawn], Values]] = {
    "kappa": lambda theta, _: {"kappa": theta},
    "alpha_touch": lambda theta, _: {"alpha_touch": theta},
    "spread_floor_bps": _floor,
    "proactive_skew_sensitivity": _feature("momentum", "slope_bps", clean=True),
    "predictive_bias_sensitivity": _feature("changepoints", "move_sigmas", clean=True),
    "bocpd_hazard_rate": _feature("changepoints", "hazard_per_s", clean=True),
    "regime_sticky_diagonal": _feature("regimes", "stay", clean=True),
    "microprice_decay": _feature("imbalance", "decay", clean=False),
    "hawkes_mu": _hawkes_mu,
    "hawkes_alpha": _hawkes_alpha,
    "hawkes_beta": _hawkes_beta,
    "kalman_q": _kalman_q,
    "kalman_r": _feature("noise", "variance", clean=True),
    "momentum_normalizer_bps": _normalizer,
    "cascade_oi_threshold": _open_interest,
    "toxic_hour_gamma_mult": _toxic,
}
#: Parameters that have a plain world.
PLAIN_PARAMETERS = tuple(_WORLDS)
#: Mean time between quotes (s), where it is not that of `mmresearch.sim.worlds.simulate`: fewer where days are played,
#: or hours of moves that are read on whole seconds, which begin with a quote anyway.
PLAIN_QUOTE_S: Mapping[str, float] = {
    "toxic_hour_gamma_mult": 30.0,
    "momentum_normalizer_bps": 1.0,
    "proactive_skew_sensitivity": 2.0,
    "predictive_bias_sensitivity": 2.0,
    "microprice_decay": 2.0,
    "cascade_oi_threshold": 2.0,
    "bocpd_hazard_rate": 2.0,
    "hawkes_alpha": 2.0,
    "hawkes_beta": 2.0,
}


def _held(features: Mapping[str, Any], nuisance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Features with those of their values that are held fixed."""
    return {
        name: replace(feature, **{v: nuisance[f"{name}_{v}"] for v in vars(feature) if f"{name}_{v}" in nuisance})
        for name, feature in features.items()
    }


def plain_truth(parameter: str, theta: float, seed: int, **nuisance: Any) -> Truth:
    """Truth of the plain world: the parameter as given, the rest from the population.

    Parameters
    ----------
    parameter : str
        A row of the catalogue; `PLAIN_PARAMETERS` have a world.
    theta : float
        Its truth, in the catalogue unit.
    seed : int
        Draws the nuisances.
    **nuisance
        Values of the truth to hold fixed, those of features by names like ``momentum_reversion_per_s``.

    Raises
    ------
    ValueError
        If the parameter has no world, or a value is outside its range.
    """
    if parameter not in _WORLDS:
        raise ValueError(f"{parameter} has no world yet; these have one: {', '.join(_WORLDS)}")
    features = _held(draw_features(FeatureHyper(), feature_stream(seed, 0)), nuisance)
    drawn = Drawn(population(1, seed)[0], features, seed)
    return with_values(drawn.truth, **(_WORLDS[parameter](theta, drawn) | nuisance))
