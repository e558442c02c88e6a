"""What does the difference cost? The quote from the learner's belief, priced under the reference.

A belief about kappa decides the distance beyond cost; one about alpha or the floor decides the cost of a fill. Each is
turned into a depth by the rule that the catalogue's consumer uses, the rest of the quote taken from the reference, and
the edge lost against the reference's own best depth is the price in bps per unit traded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.audit.result import Finding
from mmresearch.belief.contract import Belief
from mmresearch.quote.edge import Market, Regret, plug_in_depth_bps, regret

TOLERANCE_BPS = 0.1
TOLERANCE_EDGE = 0.01
#: Parameters whose error in a quote has a price.
PRICED = ("kappa", "alpha_touch", "spread_floor_bps")


@dataclass(frozen=True)
class Setting:
    """The rest of the quote, from the reference.

    Attributes
    ----------
    market : Market
        Joint draws of (kappa, A).
    cost_bps : float
        Expected cost of a fill: maker fee plus expected adverse move.
    fee_bps, adverse_bps : float
        Maker fee, and mean move after an informed fill.
    """

    market: Market
    cost_bps: float
    fee_bps: float
    adverse_bps: float


def quoted_depth_bps(parameter: str, belief: Belief, setting: Setting, rng: np.random.Generator) -> float:
    """Depth in bps at which a desk with this belief quotes, all else as the reference says.

    Parameters
    ----------
    parameter : str
        Which parameter the belief is about.
    belief : Belief
        A belief with ``joint(size, random_state)`` is used jointly, any other by its mean.
    setting : Setting
        The rest of the quote.
    rng : numpy.random.Generator
        Draws from a joint belief.

    Raises
    ------
    ValueError
        If no rule says how a quote depends on the parameter.
    """
    if parameter == "kappa":
        if hasattr(belief, "joint"):
            kappa, intensity = belief.joint(size=2000, random_state=rng)
            return Market(np.asarray(kappa) * 1e-4, np.asarray(intensity)).best_depth_bps(setting.cost_bps)
        return plug_in_depth_bps(max(float(belief.mean()), 1e-6) * 1e-4, setting.cost_bps)
    if parameter == "alpha_touch":
        cost = setting.fee_bps + float(belief.mean()) * setting.adverse_bps
    elif parameter == "spread_floor_bps":
        cost = float(belief.mean())
    else:
        raise ValueError(f"no rule says how a quote depends on {parameter}")
    return setting.market.best_depth_bps(setting.cost_bps) + cost - setting.cost_bps


def tolerance_bps(found: Regret) -> float:
    """Tolerated loss: a tenth of a bp, or one per cent of the edge, the larger."""
    return max(TOLERANCE_BPS, TOLERANCE_EDGE * found.edge_bps)


def decision(parameter: str, belief: Belief, setting: Setting, rng: np.random.Generator) -> tuple[Regret, Finding]:
    """What does the difference cost? Return the regret and the finding.

    Parameters
    ----------
    parameter : str
        Which parameter the belief is about.
    belief : Belief
        The learner's belief.
    setting : Setting
        The rest of the quote, from the reference.
    rng : numpy.random.Generator
        Draws from a joint belief.
    """
    # A resting quote is never better than the mid: beyond it one takes, and the law of fills ends.
    depth = max(quoted_depth_bps(parameter, belief, setting, rng), 0.0)
    found = regret(depth, setting.market, setting.cost_bps)
    bound = tolerance_bps(found)
    # The check sees money: a quote that is off by half its distance beyond cost must show.
    off = regret(found.best_depth_bps + 0.5 * found.edge_bps, setting.market, setting.cost_bps)
    power = float(off.loss_bps > bound)
    why = (
        f"quotes {found.depth_bps:.2f} bps where the reference quotes {found.best_depth_bps:.2f}: "
        f"loses {found.loss_bps:.3f} bps of an edge of {found.edge_bps:.2f} (tolerance {bound:.2f})."
    )
    if found.loss_bps > bound:
        mend = "Quote from the joint belief of the reference, or hand its population back as the prior."
        return found, Finding("decision", "money", "fail", found.loss_bps, bound, power, why, mend)
    return found, Finding("decision", "money", "pass", found.loss_bps, bound, power, why)


def adverse_move_bps(moves_bps: NDArray[np.float64], threshold_bps: float = 5.0) -> float:
    """Mean adverse move (bps) of the fills that moved beyond the threshold; the threshold itself if none did."""
    beyond = moves_bps[moves_bps > threshold_bps]
    return float(beyond.mean()) if beyond.size else threshold_bps
