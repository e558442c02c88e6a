"""The sound learners with priors that were handed back by a fit, in the place of the catalogue's.

Where a learner has to believe something besides its parameter (A beside kappa, the variance of a fill's cost beside the
floor, the other two rates of a Hawkes flow), it takes what was handed back of that too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from mmresearch.belief.beta import Beta
from mmresearch.belief.families import Family
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.normal import NormalInverseGamma
from mmresearch.belief.prior_file import HandedBack
from mmresearch.learn.contract import Learner, LearnerError, name_of, named
from mmresearch.learn.sound.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.hawkes import ALPHA_PRIOR, BETA_PRIOR, MU_PRIOR, HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hawkes_joint import HawkesPrior
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.kappa import KappaExposure, KappaMarketOrders
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness

Priors = Mapping[str, HandedBack]


def learners_with(priors: Priors) -> list[Learner]:
    """Return the sound learners of the parameters in a file of priors, each starting from its prior and named for it.

    Parameters
    ----------
    priors : mapping
        From `mmresearch.belief.prior_file.read_priors`.

    Raises
    ------
    LearnerError
        If no learner here takes a prior of a parameter.
    """
    strange = [name for name in priors if name not in _TAKERS]
    if strange:
        raise LearnerError(f"no learner takes a prior of {', '.join(strange)}; those of {', '.join(_TAKERS)} do")
    made = [learner for name in priors for learner in _TAKERS[name](priors)]
    return [named(learner, f"{name_of(learner)} (handed prior)") for learner in made]


def starting_from(learner: Learner, priors: Priors) -> Learner:
    """Return a sound learner as it starts from a file of priors; as it is where the file says nothing of its parameter.

    Parameters
    ----------
    learner : Learner
        A sound learner.
    priors : mapping
        From `mmresearch.belief.prior_file.read_priors`; it may speak of more than this parameter.

    Raises
    ------
    LearnerError
        If the file has a prior of the parameter which the learner does not take.
    """
    name = learner.parameter
    if name not in priors:
        return learner
    made = _TAKERS[name](priors) if name in _TAKERS else []
    found = next((other for other in made if type(other) is type(learner)), None)
    if found is None:
        raise LearnerError(f"{name_of(learner)} takes no prior of {name}")
    return found


def _of[F: Family](kind: type[F], priors: Priors, name: str) -> F:
    belief = priors[name].prior
    if not isinstance(belief, kind):
        raise LearnerError(f"the prior of {name} is a {type(belief).__name__}; its learner takes a {kind.__name__}")
    return belief


def _alpha(priors: Priors) -> list[Learner]:
    p = _of(Beta, priors, "alpha_touch")
    return [AlphaTouch(p.a, p.b), AlphaTouchLabelError(p.a, p.b)]


def _kappa(priors: Priors) -> list[Learner]:
    p, beside = _of(Gamma, priors, "kappa"), priors["kappa"].beside.get("A")
    exposure = KappaExposure(p.mean(), p.shape)
    if isinstance(beside, Gamma):
        exposure = replace(exposure, A_shape=beside.shape, A_rate_s=beside.rate)
    return [exposure, KappaMarketOrders(p.mean(), p.shape)]


def _floor(priors: Priors) -> list[Learner]:
    """Take the joint prior if its variance has a mean, else that of the floor alone."""
    handed = priors["spread_floor_bps"]
    joint = handed.beside.get("floor_and_variance")
    if isinstance(joint, NormalInverseGamma) and joint.shape > 1.0:
        variance = joint.scale / (joint.shape - 1.0)
        return [SpreadFloor(joint.location, (variance / joint.count) ** 0.5, variance**0.5, joint.shape)]
    return [SpreadFloor(handed.prior.mean(), handed.prior.std())]


def _hazard(priors: Priors) -> list[Learner]:
    p = _of(Gamma, priors, "bocpd_hazard_rate")
    return [HazardRate(p.shape, p.rate)]


def _decay(priors: Priors) -> list[Learner]:
    p = _of(Beta, priors, "microprice_decay")
    return [MicropriceDecay(p.a, p.b)]


def _level(kind: type[KalmanQ], name: str) -> Callable[[Priors], list[Learner]]:
    def taken(priors: Priors) -> list[Learner]:
        p = _of(InverseGamma, priors, name)
        return [kind(p.mean(), 2.0 * p.shape)]

    return taken


def _hawkes(kind: type[HawkesMu], default: HawkesPrior) -> Callable[[Priors], list[Learner]]:
    def taken(priors: Priors) -> list[Learner]:
        prior = default
        if "hawkes_mu" in priors:
            mu = _of(Gamma, priors, "hawkes_mu")
            prior = replace(prior, mu_shape=mu.shape, mu_rate=mu.rate)
        if "hawkes_alpha" in priors:
            n = _of(Beta, priors, "hawkes_alpha")
            prior = replace(prior, branching_a=n.a, branching_b=n.b)
        if "hawkes_beta" in priors:
            beta = _of(Gamma, priors, "hawkes_beta")
            prior = replace(prior, beta_shape=beta.shape, beta_rate=beta.rate)
        return [kind(prior)]

    return taken


def _regimes(priors: Priors) -> list[Learner]:
    p = _of(Beta, priors, "regime_sticky_diagonal")
    return [RegimeStickiness(p.a, p.b)]


def _scale(priors: Priors) -> list[Learner]:
    p = _of(Gamma, priors, "momentum_normalizer_bps")
    return [MoveScale(p.shape, p.rate)]


def _slope(kind: type[SkewSlope | ChangepointBias], name: str) -> Callable[[Priors], list[Learner]]:
    return lambda priors: [kind(priors[name].prior.mean(), priors[name].prior.std())]


_TAKERS: Mapping[str, Callable[[Priors], list[Learner]]] = {
    "alpha_touch": _alpha,
    "bocpd_hazard_rate": _hazard,
    "hawkes_alpha": _hawkes(HawkesAlpha, ALPHA_PRIOR),
    "hawkes_beta": _hawkes(HawkesBeta, BETA_PRIOR),
    "hawkes_mu": _hawkes(HawkesMu, MU_PRIOR),
    "kalman_q": _level(KalmanQ, "kalman_q"),
    "kalman_r": _level(KalmanR, "kalman_r"),
    "kappa": _kappa,
    "microprice_decay": _decay,
    "momentum_normalizer_bps": _scale,
    "predictive_bias_sensitivity": _slope(ChangepointBias, "predictive_bias_sensitivity"),
    "proactive_skew_sensitivity": _slope(SkewSlope, "proactive_skew_sensitivity"),
    "regime_sticky_diagonal": _regimes,
    "spread_floor_bps": _floor,
}
