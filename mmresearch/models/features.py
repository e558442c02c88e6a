"""Moves, costs and falls of tapes as the numbers of a likelihood: what the learners of signals saw, and no more of it.

    seconds        moves of the mid over 1 s                                 -> sigma_bps_per_sqrt_s
    minutes        moves of the mid over 60 s                                -> momentum_normalizer_bps
    momentum       momentum, and the move over the next 10 s                 -> proactive_skew_sensitivity
    changepoints   moves over the 10 s after lone changepoints, in sigmas    -> predictive_bias_sensitivity
    hours          cost of touch fills by hour of the day                    -> toxic_hour_gamma_mult
    falls          falls of open interest, and whether bad markouts followed -> cascade_oi_threshold

The grid, the gaps and the counting are those of `mmresearch.learn.sound`: the same functions serve its states. Sums
hold every value of the tape; single values, which heavy-tailed likelihoods read, are the newest `POINTS` of an asset.

Seconds, bps, fractions of open interest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.location import BiasState, SkewState, changepoint_moves, mean_fit, momentum_pairs
from mmresearch.learn.sound.moments import Fit
from mmresearch.learn.sound.moves import HORIZON_S, moves_bps
from mmresearch.learn.sound.toxic import ToxicHours
from mmresearch.models.data import EvidenceError
from mmresearch.models.series import POINTS, one_per_asset
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]
Noise = Literal["normal", "student_t"]


@dataclass(frozen=True)
class Moves:
    """Moves of the mid on a grid of times.

    Attributes
    ----------
    n, squares_bps2 : float
        Their number, and the sum of their squares in bps^2.
    values_bps : ndarray, shape (N,)
        The newest of them.
    """

    asset: str
    n: float = 0.0
    squares_bps2: float = 0.0
    values_bps: FloatArray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Foretold:
    """Values that something foretells: their mean, or their slope on a regressor.

    Attributes
    ----------
    fit : Fit
        Least-squares fit of all of them; all zero where there is none.
    regressor, values : ndarray, shape (N,)
        The newest pairs; the regressor of a mean is 1.
    """

    asset: str
    fit: Fit = field(default_factory=Fit)
    regressor: FloatArray = field(default_factory=lambda: np.zeros(0))
    values: FloatArray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class HourCosts:
    """Number of touch fills, mean of their cost (bps) and sum of its squared deviations, by hour; shape (24,) each."""

    asset: str
    n: FloatArray
    mean_bps: FloatArray
    m2_bps2: FloatArray


@dataclass(frozen=True)
class Falls:
    """Falls of open interest by size, and those that bad markouts followed, as the learner's state bins them.

    Attributes
    ----------
    bad, total : ndarray, shape (401,)
        Counts between the edges of `mmresearch.learn.sound.cascade`.
    """

    asset: str
    bad: FloatArray
    total: FloatArray


@dataclass(frozen=True)
class FeatureEvidence:
    """What the models of signals read, one entry per asset, in the order of the tapes."""

    seconds: tuple[Moves, ...]
    minutes: tuple[Moves, ...]
    momentum: tuple[Foretold, ...]
    changepoints: tuple[Foretold, ...]
    hours: tuple[HourCosts, ...]
    falls: tuple[Falls, ...]

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(m.asset for m in self.seconds)


def feature_evidence(tapes: Iterable[Tape] | Tape, points: int = POINTS) -> FeatureEvidence:
    """Reduce tapes to moves, costs and falls.

    Parameters
    ----------
    tapes : Tape or iterable of Tape
        One per asset.
    points : int
        Most single values of an asset, at least 2.

    Raises
    ------
    EvidenceError
        If there are no tapes, if two have one name, or if `points` is below 2.
    """
    parts = [_of_tape(tape, points) for tape in one_per_asset(tapes, points, "features")]
    return FeatureEvidence(*(tuple(column) for column in zip(*parts, strict=True)))


def _of_tape(tape: Tape, points: int) -> tuple[Moves, Moves, Foretold, Foretold, HourCosts, Falls]:
    return (
        _moves(tape, 1.0, points),
        _moves(tape, HORIZON_S, points),
        _momentum(tape, points),
        _changepoints(tape, points),
        _hours(tape),
        _falls(tape),
    )


def _moves(tape: Tape, step_s: float, points: int) -> Moves:
    _, moves = moves_bps(Resampler(step_s), tape)
    return Moves(tape.asset, float(moves.size), float(moves @ moves), moves[-points:])


def _momentum(tape: Tape, points: int) -> Foretold:
    state, momentum, moves = momentum_pairs(SkewState(), tape)
    return Foretold(tape.asset, state.pairs.add(momentum, moves).slope(), momentum[-points:], moves[-points:])


def _changepoints(tape: Tape, points: int) -> Foretold:
    state, moves = changepoint_moves(BiasState(), tape)
    fit = mean_fit(state.moves.add(moves))
    return Foretold(tape.asset, fit, np.ones(moves[-points:].size), moves[-points:])


def _hours(tape: Tape) -> HourCosts:
    learner = ToxicHours()
    hours = learner.update(learner.init(), tape).hours
    return HourCosts(tape.asset, *(np.array([getattr(m, name) for m in hours]) for name in ("n", "mean", "m2")))


def _falls(tape: Tape) -> Falls:
    learner = CascadeThreshold()
    state = learner.update(learner.init(), tape)
    return Falls(tape.asset, state.bad, state.total)


def of_features(evidence: object) -> FeatureEvidence:
    """Return the evidence if it is of moves, costs and falls.

    Raises
    ------
    EvidenceError
        If it is something else, such as the evidence of fills.
    """
    if not isinstance(evidence, FeatureEvidence):
        names = ", ".join(f.name for f in fields(FeatureEvidence))
        raise EvidenceError(
            f"this model reads features ({names}), from feature_evidence(tapes); got {type(evidence).__name__}"
        )
    return evidence
