"""The one place where units are converted.

Inside: seconds and bps of mid. At the public boundary: the catalogue's units. 1 bp = 1e-4 of the price.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

T = TypeVar("T", float, np.ndarray)

BPS_PER_FRACTION = 1e4


def kappa_per_bp[T: (float, np.ndarray)](kappa: T) -> T:
    """Return kappa per bp, from kappa per unit fraction of price (2000 -> 0.2)."""
    return kappa / BPS_PER_FRACTION


def kappa_per_fraction[T: (float, np.ndarray)](kappa_per_bp: T) -> T:
    """Return kappa per unit fraction of price, from kappa per bp (0.2 -> 2000)."""
    return kappa_per_bp * BPS_PER_FRACTION


def bps[T: (float, np.ndarray)](fraction: T) -> T:
    """Return bps, from a fraction of price."""
    return fraction * BPS_PER_FRACTION


def fraction[T: (float, np.ndarray)](bps: T) -> T:
    """Return a fraction of price, from bps."""
    return bps / BPS_PER_FRACTION


def stay_per_second(stay_per_step: float, step_s: float) -> float:
    """Return the probability of staying for one second, from that of staying for one step.

    Raises
    ------
    ValueError
        If the probability is not in (0, 1] or the step not positive.
    """
    _check_step(step_s)
    if not 0 < stay_per_step <= 1:
        raise ValueError(f"a probability of staying lies in (0, 1], got {stay_per_step}")
    return float(stay_per_step ** (1 / step_s))


def hazard_per_second(hazard_per_step: float, step_s: float) -> float:
    """Return the hazard rate per second, from the probability of a change in one step.

    Raises
    ------
    ValueError
        If the probability is not in [0, 1) or the step not positive.
    """
    _check_step(step_s)
    if not 0 <= hazard_per_step < 1:
        raise ValueError(f"a hazard per step lies in [0, 1), got {hazard_per_step}")
    return float(-np.log1p(-hazard_per_step) / step_s)


def _check_step(step_s: float) -> None:
    if not step_s > 0:
        raise ValueError(f"a step must last a positive time, got {step_s} s")
