"""The one place where units are converted.

Inside: seconds and bps of mid. At the public boundary: the catalogue's units. 1 bp = 1e-4 of the price.
"""

from __future__ import annotations

import numpy as np

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


def sigma_bps_per_sqrt_s[T: (float, np.ndarray)](sigma_fraction_per_sqrt_s: T) -> T:
    """Return volatility in bps per square root of a second, from a fraction per square root of a second (2e-4 -> 2)."""
    return sigma_fraction_per_sqrt_s * BPS_PER_FRACTION


def sigma_fraction_per_sqrt_s[T: (float, np.ndarray)](sigma_bps_per_sqrt_s: T) -> T:
    """Return volatility as a fraction per square root of a second, from bps per square root of a second (2 -> 2e-4)."""
    return sigma_bps_per_sqrt_s / BPS_PER_FRACTION


def sigma_per_sqrt_s(sd_per_step: float, step_s: float) -> float:
    """Return volatility per square root of a second, from the sd of moves over a step."""
    _check_step(step_s)
    return float(sd_per_step / np.sqrt(step_s))


def sd_per_step(sigma_per_sqrt_s: float, step_s: float) -> float:
    """Return the sd of moves over a step, from volatility per square root of a second."""
    _check_step(step_s)
    return float(sigma_per_sqrt_s * np.sqrt(step_s))


def variance_per_second(variance_per_step: float, step_s: float) -> float:
    """Return the variance that a random walk gains in a second, from that of one step."""
    _check_step(step_s)
    return float(variance_per_step / step_s)


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


def stay_per_step(stay_per_second: float, step_s: float) -> float:
    """Return the probability of staying for one step, from that of staying for one second.

    Raises
    ------
    ValueError
        If the probability is not in (0, 1] or the step not positive.
    """
    _check_step(step_s)
    if not 0 < stay_per_second <= 1:
        raise ValueError(f"a probability of staying lies in (0, 1], got {stay_per_second}")
    return float(stay_per_second**step_s)


def hazard_per_step(hazard_per_second: float, step_s: float) -> float:
    """Return the probability of a change in one step, from the hazard rate per second.

    Raises
    ------
    ValueError
        If the rate is negative or the step not positive.
    """
    _check_step(step_s)
    if not hazard_per_second >= 0:
        raise ValueError(f"a hazard rate is at least 0, got {hazard_per_second}")
    return float(-np.expm1(-hazard_per_second * step_s))


def _check_step(step_s: float) -> None:
    if not step_s > 0:
        raise ValueError(f"a step must last a positive time, got {step_s} s")
