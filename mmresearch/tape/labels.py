"""Labels: which fills count as informed, under each of the rules that are in use.

The intended label is ``adverse_bps > 5`` half a second after the fill, one-sided, from the mid at the fill. The others
are rules found in a deployed system. They answer other questions, under names that say which:

    two-sided        abs(move) > 5 bps                     learns volatility
    batch            move from the *fill price*, after 1 s    falls with the depth of the order
    two sigma        move > 2 sigma sqrt(5 s), after 5 s      a second answer for the same fill
    adaptive         abs(move since *placing*) > mean + sd    answers with a constant of the shape of the distribution

A label takes moves in bps, positive = against us, and returns 1.0 (informed), 0.0 (not) or NaN (move not known).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from mmresearch.tape.mids import FloatArray

Reference = Literal["mid at fill", "mid when placed", "fill price"]

#: Threshold of the intended label, in bps.
INFORMED_BPS = 5.0


@dataclass(frozen=True)
class Label:
    """A label without memory: a move beyond a threshold.

    Attributes
    ----------
    name : str
    horizon_s : float
        When the move is measured, in seconds after the fill.
    reference : {"mid at fill", "mid when placed", "fill price"}
        What the move is measured from.
    two_sided : bool
        Whether a move in our favour counts as well.
    threshold_bps : float
        The move must be larger than this.
    """

    name: str
    horizon_s: float
    reference: Reference
    two_sided: bool
    threshold_bps: float = INFORMED_BPS

    def __call__(self, adverse_bps: ArrayLike) -> FloatArray:
        """Label moves of any shape."""
        moves = np.asarray(adverse_bps, dtype=np.float64)
        return _exceeds(np.abs(moves) if self.two_sided else moves, self.threshold_bps)


INTENDED = Label("informed_intended", 0.5, "mid at fill", two_sided=False)
FIXED_TWO_SIDED = Label("informed_two_sided", 0.5, "mid at fill", two_sided=True)
BATCH = Label("informed_batch", 1.0, "fill price", two_sided=False)

#: Horizon of `informed_beyond_two_sigma`, in seconds.
TWO_SIGMA_HORIZON_S = 5.0


def informed_intended(adverse_bps: ArrayLike) -> FloatArray:
    """Label moves at 500 ms from the mid at the fill: more than 5 bps against us."""
    return INTENDED(adverse_bps)


def informed_two_sided(adverse_bps: ArrayLike) -> FloatArray:
    """Label moves at 500 ms from the mid at the fill: more than 5 bps either way."""
    return FIXED_TWO_SIDED(adverse_bps)


def informed_batch(adverse_from_price_bps: ArrayLike) -> FloatArray:
    """Label moves at 1 s from the fill price (which contains the half-spread): more than 5 bps against us."""
    return BATCH(adverse_from_price_bps)


def informed_beyond_two_sigma(adverse_bps: ArrayLike, sigma_bps: ArrayLike) -> FloatArray:
    """Label moves at 5 s: against us by more than two standard deviations of a 5 s move.

    Parameters
    ----------
    adverse_bps : array_like, shape (n,)
        Moves 5 s after the fill, in bps.
    sigma_bps : array_like, shape (n,) or scalar
        Volatility when the fill happened, in bps per square root of a second.

    Returns
    -------
    ndarray, shape (n,)
    """
    sigma = np.asarray(sigma_bps, dtype=np.float64)
    return _exceeds(np.asarray(adverse_bps, dtype=np.float64), 2.0 * sigma * np.sqrt(TWO_SIGMA_HORIZON_S))


@dataclass(frozen=True)
class AdaptiveLabel:
    """The label as deployed: two-sided, against a threshold that the moves themselves set.

    The threshold is 5 bps for the first 20 fills, then mean + one standard deviation of the absolute moves, both
    exponentially weighted (weight .1 on the newest), clipped to [2, 20] bps. A fill is judged before it moves the
    threshold. The move is meant to be taken from the mid *when the order was placed*, 500 ms after the fill. A value:
    `step` returns a new one, so fills may come in any number of pieces.

    Attributes
    ----------
    n : int
        Fills seen.
    mean_bps : float
        Weighted mean of absolute moves.
    var_bps2 : float
        Weighted variance of absolute moves.
    """

    n: int = 0
    mean_bps: float = 0.0
    var_bps2: float = 0.0

    weight: ClassVar[float] = 0.1
    warm_up: ClassVar[int] = 20
    bounds_bps: ClassVar[tuple[float, float]] = (2.0, 20.0)
    horizon_s: ClassVar[float] = 0.5
    reference: ClassVar[Reference] = "mid when placed"

    @property
    def threshold_bps(self) -> float:
        """The threshold for the next fill, in bps."""
        if self.n < self.warm_up:
            return INFORMED_BPS
        lo, hi = self.bounds_bps
        return min(max(self.mean_bps + self.var_bps2**0.5, lo), hi)

    def step(self, move_bps: ArrayLike) -> tuple[AdaptiveLabel, FloatArray]:
        """Label moves one after another, in the order in which they became known.

        Parameters
        ----------
        move_bps : array_like, shape (n,)
            Moves in bps, of either sign. NaN gives NaN and leaves the threshold alone.

        Returns
        -------
        state : AdaptiveLabel
        informed : ndarray, shape (n,)
        """
        state, labels = self, []
        for move in np.abs(np.asarray(move_bps, dtype=np.float64)).tolist():
            if math.isnan(move):
                labels.append(math.nan)
                continue
            labels.append(float(move > state.threshold_bps))
            state = state._seen(move)
        return state, np.array(labels, dtype=np.float64)

    def _seen(self, move: float) -> AdaptiveLabel:
        if self.n == 0:
            return AdaptiveLabel(1, move, 0.0)
        gap, w = move - self.mean_bps, self.weight
        # The gap is taken from the old mean: with the usual (1 - w) w gap^2 pure noise would read .178, not .17.
        return AdaptiveLabel(self.n + 1, self.mean_bps + w * gap, (1.0 - w) * self.var_bps2 + w * gap * gap)


def _exceeds(moves: FloatArray, threshold_bps: ArrayLike) -> FloatArray:
    return np.where(np.isnan(moves), np.nan, (moves > np.asarray(threshold_bps, dtype=np.float64)).astype(np.float64))
