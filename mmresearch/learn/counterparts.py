"""For each row of the catalogue the right learner, the deployed one, and how many events each of them counts.

The count of a right learner is the number of events that speak about its parameter: touch fills with a label, market
orders, whole seconds with a quote. That of a deployed one is what its belief claims to rest on: observations, labels,
pseudo-counts, and for kappa the shape of its Gamma less that of the prior, which grows by all fills so far every 5 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.learn.batch.deployed import BATCH_DEPLOYED
from mmresearch.learn.contract import Learner, State
from mmresearch.learn.deployed.alpha import DeployedAlpha
from mmresearch.learn.deployed.events import NEVER_UPDATED, DeployedFillWidth, DeployedHawkesMu
from mmresearch.learn.deployed.floor import DeployedFloor
from mmresearch.learn.deployed.kappa import PRIOR_STRENGTH, DeployedKappa
from mmresearch.learn.deployed.signals import (
    DeployedChangepointThreshold,
    DeployedGammaBase,
    DeployedHazard,
    DeployedStickiness,
)
from mmresearch.learn.sound.alpha import AlphaTouchLabelError
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.kappa import KappaExposure
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours


@dataclass(frozen=True)
class Right:
    """The right learner of a row.

    Attributes
    ----------
    make : callable
        Makes it; keywords are its own.
    counts : str
        What its events are, in the plural.
    events : callable
        Number of events, of (learner, state).
    """

    make: Callable[..., Learner]
    counts: str
    events: Callable[[Any, State], float]


def _seen(_: Learner, state: State) -> float:
    return float(state.events)


def _observed(_: Learner, state: State) -> float:
    return float(state.n)


#: Learned rows: parameter -> its right learner.
RIGHT: Mapping[str, Right] = {
    "alpha_touch": Right(AlphaTouchLabelError, "touch fills", _seen),
    "spread_floor_bps": Right(SpreadFloor, "touch fills", _seen),
    "proactive_skew_sensitivity": Right(SkewSlope, "moves over 10 s", lambda _, state: float(state.pairs.n)),
    "toxic_hour_gamma_mult": Right(
        ToxicHours, "touch fills in toxic hours", lambda learner, state: float(learner.groups(state)[0].n)
    ),
    "predictive_bias_sensitivity": Right(
        ChangepointBias, "moves after lone changepoints", lambda _, state: float(state.moves.n)
    ),
    "cascade_oi_threshold": Right(
        CascadeThreshold, "falls of open interest", lambda _, state: float(state.total.sum())
    ),
    "bocpd_hazard_rate": Right(HazardRate, "changepoints", lambda _, state: float(state.changes)),
    "kappa": Right(KappaExposure, "fills", _seen),
    "hawkes_mu": Right(HawkesMu, "market orders", _observed),
    "hawkes_alpha": Right(HawkesAlpha, "market orders", _observed),
    "hawkes_beta": Right(HawkesBeta, "market orders", _observed),
    "regime_sticky_diagonal": Right(RegimeStickiness, "seconds", lambda _, state: float(len(state.series))),
    "kalman_q": Right(KalmanQ, "seconds", _observed),
    "kalman_r": Right(KalmanR, "seconds", _observed),
    "momentum_normalizer_bps": Right(MoveScale, "moves over 60 s", _observed),
    "microprice_decay": Right(MicropriceDecay, "seconds", _observed),
}

#: Every row: parameter -> the rule that the deployed system runs, live if it has a live one, else in a batch.
AS_DEPLOYED: Mapping[str, Callable[[], Learner]] = {
    **NEVER_UPDATED,
    **{name: make for name, make in BATCH_DEPLOYED.items()},
    "alpha_touch": DeployedAlpha,
    "gamma_base": DeployedGammaBase,
    "spread_floor_bps": DeployedFloor,
    "bocpd_hazard_rate": DeployedHazard,
    "bocpd_threshold": DeployedChangepointThreshold,
    "kappa": DeployedKappa,
    "hawkes_mu": DeployedHawkesMu,
    "regime_sticky_diagonal": DeployedStickiness,
    "fill_probability_width_bps": DeployedFillWidth,
}


def events_claimed(learner: Any, state: State) -> float:
    """Return how many events the belief of a deployed rule claims to rest on.

    Parameters
    ----------
    learner : Learner
        One of `AS_DEPLOYED`.
    state : State
        Its state.
    """
    if hasattr(learner, "parameters"):
        return float(learner.parameters(state).n)
    if hasattr(learner, "outcome"):
        booked = learner.outcome(state).state
        return 0.0 if booked is None else float(booked.n)
    return _CLAIMED[learner.parameter](state)


def why_nothing(learner: Any, state: State) -> str:
    """Say why a deployed rule has learned nothing; "" if it claims to have learned something.

    Parameters
    ----------
    learner : Learner
        One of `AS_DEPLOYED`.
    state : State
        Its state.
    """
    if events_claimed(learner, state):
        return ""
    if hasattr(learner, "outcome"):
        return str(learner.outcome(state).reason)
    if learner.parameter in NEVER_UPDATED:
        return "typed in, and nothing ever updates it"
    return f"no event for its rule ({CATALOGUE[learner.parameter].deployed})"


_CLAIMED: Mapping[str, Callable[[State], float]] = {
    "alpha_touch": lambda state: float(state.total),
    "spread_floor_bps": lambda state: float(state.cost.n),
    "kappa": lambda state: float(state.shape) - PRIOR_STRENGTH,
}


def right_learner(name: str, toxic_hours: tuple[int, ...]) -> Learner:
    """Make the right learner of a learned row.

    Parameters
    ----------
    name : str
        The row.
    toxic_hours : tuple of int
        Hours of the day (UTC) that are called toxic: which they are is a choice, what they cost is learned.
    """
    make = RIGHT[name].make
    return partial(make, hours=toxic_hours)() if name == "toxic_hour_gamma_mult" else make()
