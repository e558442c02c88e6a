"""The bundled learners by name: the right ones, the deployed ones, and each deployed fault by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmresearch.learn.contract import Learner
from mmresearch.learn.deployed.alpha import (
    DeployedAlpha,
    alpha_adaptive_threshold,
    alpha_from_placement,
    alpha_two_labels,
    alpha_two_sided,
)
from mmresearch.learn.deployed.events import NEVER_UPDATED, DeployedHawkesMu
from mmresearch.learn.deployed.floor import DeployedFloor, known_variance_floor
from mmresearch.learn.deployed.intervals import NormalIntervals
from mmresearch.learn.deployed.kappa import DeployedKappa, KappaFillDistances
from mmresearch.learn.deployed.signals import DeployedHazard, DeployedStickiness
from mmresearch.learn.sound.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.kappa import KappaExposure, KappaMarketOrders
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours


def hazard_complete_runs() -> DeployedHazard:
    """Return the deployed rule with runs in seconds: what is left wrong is that the run under way is ignored."""
    return DeployedHazard(by_clock=True, name="HazardCompleteRuns")


def hazard_normal_intervals() -> NormalIntervals:
    """Return the sound rule with the intervals of the deployed one."""
    return NormalIntervals(HazardRate())


def kappa_rate_once() -> DeployedKappa:
    """Return the deployed rule fed with what is new only, unfiltered: what is left wrong is the quantity itself."""
    return DeployedKappa(cumulative=False, filtered=False, name="KappaFillRate")


#: Learners that should be cleared.
SOUND: Mapping[str, Callable[[], Learner]] = {
    "KappaExposure": KappaExposure,
    "KappaMarketOrders": KappaMarketOrders,
    "AlphaTouch": AlphaTouch,
    "AlphaTouchLabelError": AlphaTouchLabelError,
    "SpreadFloor": SpreadFloor,
    "MoveScale": MoveScale,
    "SkewSlope": SkewSlope,
    "ChangepointBias": ChangepointBias,
    "MicropriceDecay": MicropriceDecay,
    "CascadeThreshold": CascadeThreshold,
    "ToxicHours": ToxicHours,
    "HawkesMu": HawkesMu,
    "HawkesAlpha": HawkesAlpha,
    "HawkesBeta": HawkesBeta,
    "KalmanQ": KalmanQ,
    "KalmanR": KalmanR,
    "HazardRate": HazardRate,
    "RegimeStickiness": RegimeStickiness,
}

#: Rows with a world that the deployed system never updates.
_NEVER_UPDATED = (
    "momentum_normalizer_bps",
    "proactive_skew_sensitivity",
    "predictive_bias_sensitivity",
    "microprice_decay",
    "kalman_q",
    "kalman_r",
)

#: Learners as deployed.
DEPLOYED: Mapping[str, Callable[[], Learner]] = {
    "DeployedKappa": DeployedKappa,
    "KappaFillDistances": KappaFillDistances,
    "DeployedAlpha": DeployedAlpha,
    "DeployedFloor": DeployedFloor,
    "DeployedHawkesMu": DeployedHawkesMu,
    "DeployedHazard": DeployedHazard,
    "DeployedStickiness": DeployedStickiness,
    **{f"NeverUpdated({name})": NEVER_UPDATED[name] for name in _NEVER_UPDATED},
}

#: The faults of the deployed learners one at a time.
SINGLE_FAULTS: Mapping[str, Callable[[], Learner]] = {
    "KappaFillRate": kappa_rate_once,
    "AlphaTwoLabels": alpha_two_labels,
    "AlphaAdaptiveThreshold": alpha_adaptive_threshold,
    "AlphaTwoSided": alpha_two_sided,
    "AlphaFromPlacement": alpha_from_placement,
    "FloorKnownVariance": known_variance_floor,
    "HazardCompleteRuns": hazard_complete_runs,
    "HazardRateNormalIntervals": hazard_normal_intervals,
}

BUNDLED: Mapping[str, Callable[[], Learner]] = {**SOUND, **DEPLOYED, **SINGLE_FAULTS}
