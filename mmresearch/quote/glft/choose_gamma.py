"""Risk aversion chosen, not learned: the gamma whose quotes meet a target, by the exact recursion.

A preference has no likelihood. What can be stated is what the desk bears: an sd of its inventory, or a loss that it
passes with a stated probability. Both fall as gamma rises over the range that is searched, and the gamma at which they
meet the target is found by bisection on its logarithm. Nothing outside the range is guessed: a target that no gamma in
it meets is an error that says what can be met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import Moments, moments
from mmresearch.quote.glft.pnl_law import pnl_law
from mmresearch.quote.glft.policy import policy
from mmresearch.quote.glft.quotes import Method

#: gamma is searched between these, in units of k over the lot: from next to none to quotes that flee any inventory.
LEAST, MOST = 1e-6, 1.0


class NoGammaError(ValueError):
    """No risk aversion in the range meets the target."""


@dataclass(frozen=True)
class ChosenGamma:
    """A risk aversion and what it brings.

    Attributes
    ----------
    gamma : float
        1/(price x size).
    reached : float
        The quantity that had a target, at this gamma.
    moments : Moments
        Of the quotes at this gamma.
    """

    gamma: float
    reached: float
    moments: Moments


def gamma_for_inventory(market: Model, sd_q: float, method: Method = "asymptotic") -> ChosenGamma:
    """Return the gamma at which the inventory at the horizon has an sd.

    Parameters
    ----------
    market : Model
        Parameters, numbers; its own gamma and xi are replaced.
    sd_q : float
        Target, size.
    method : str
        How quotes are made, see `quotes`.

    Raises
    ------
    NoGammaError
        If no gamma in the range meets the target.
    """
    return _chosen(market, sd_q, method, lambda m: moments(policy(m, method), m).sd_q, "an inventory sd")


def gamma_for_loss(market: Model, loss: float, probability: float, method: Method = "asymptotic") -> ChosenGamma:
    """Return the gamma at which the PnL is below -loss with a probability.

    Parameters
    ----------
    market : Model
        Parameters, numbers; its own gamma and xi are replaced.
    loss : float
        Target, price x size; negative where the quantile is to be a gain.
    probability : float
        Of a PnL below -loss, in (1e-6, 1 - 1e-6).
    method : str
        How quotes are made, see `quotes`.

    Raises
    ------
    NoGammaError
        If no gamma in the range meets the target.
    """
    return _chosen(market, loss, method, lambda m: -pnl_law(policy(m, method), m).quantile(probability), "a loss")


def with_gamma(market: Model, gamma: float) -> Model:
    """Return the CARA model of another risk aversion, 1/(price x size)."""
    return replace(market, gamma=gamma, xi=None)


def _chosen(market: Model, target: float, method: Method, quantity: Callable[[Model], float], what: str) -> ChosenGamma:
    unit = float(market.k / market.lot)
    low, high = np.log(LEAST * unit), np.log(_useful(market, quantity, unit))

    def miss(log_gamma: float) -> float:
        return quantity(with_gamma(market, float(np.exp(log_gamma)))) - target

    most, least = miss(low) + target, miss(high) + target
    if not least <= target <= most:
        raise NoGammaError(f"{what} of {target:.4g} is met by no gamma: it can be from {least:.4g} to {most:.4g}")
    gamma = float(np.exp(brentq(miss, low, high, xtol=1e-8, rtol=1e-12)))
    found = with_gamma(market, gamma)
    return ChosenGamma(gamma, quantity(found), moments(policy(found, method), found))


def _useful(market: Model, quantity: Callable[[Model], float], unit: float) -> float:
    """Gamma up to which the quantity falls: beyond, a loss may rise again since nothing is earned."""
    grid = np.geomspace(LEAST * unit, MOST * unit, 9)
    values = [quantity(with_gamma(market, float(g))) for g in grid]
    return float(grid[int(np.argmin(values))])
