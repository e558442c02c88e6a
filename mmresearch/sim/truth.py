"""What is true of one asset in a world, and the ways in which a world may leave the plain assumptions.

Fills at depth d come at rate A e^{-kappa d} per side; a touch fill is informed with probability alpha and then costs a
jump of mean `adverse_bps`, so that

    spread_floor_bps = fee_bps + alpha_touch * adverse_bps.

What else a world can do is in `mmresearch.sim.dynamics`; the truth of every row of the catalogue in
`mmresearch.sim.truths`.

Units: bps of mid, seconds; kappa per fraction of price, A per second and side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from mmresearch.sim.dynamics import FEATURES, OFF, Dynamics
from mmresearch.sim.ranges import require_positive, require_probability

#: Name of a feature's value in a truth -> (feature, value).
FEATURE_VALUES = {f"{feature}_{f.name}": (feature, f.name) for feature, kind in FEATURES.items() for f in fields(kind)}


@dataclass(frozen=True)
class Truth:
    """What is true of one asset.

    Attributes
    ----------
    asset : str
        Name.
    kappa : float
        Decay of fill intensity, 1/(fraction of price).
    A : float
        Intensity at the mid, per second and side.
    alpha_touch : float
        Probability that a fill at the touch is informed.
    adverse_bps, adverse_sd_bps : float
        Mean and sd of the jump after an informed fill; positive is against us.
    alpha_decay_bps : float
        A fill x bps beyond the touch is informed with probability alpha e^{-x/decay}; infinite for the same at all
        depths.
    sigma_bps_per_sqrt_s : float
        Volatility of the mid without jumps.
    half_spread_bps, tick_bps, price : float
        Half-spread and tick in bps of the starting price, and that price.
    touch_only_per_s : float
        Rate, per side, of market orders that stop at the touch whatever happens.
    fee_bps, lot : float
        Maker fee (negative is a rebate); size of an order.
    dynamics : Dynamics
        What moves beyond this; all off by default.

    Raises
    ------
    ValueError
        If a value is outside its range, or hours are to be toxic where no fill is informed.
    """

    asset: str
    kappa: float
    A: float
    alpha_touch: float
    adverse_bps: float = 14.0
    adverse_sd_bps: float = 2.0
    alpha_decay_bps: float = math.inf
    sigma_bps_per_sqrt_s: float = 0.8
    half_spread_bps: float = 2.0
    tick_bps: float = 1.0
    price: float = 100.0
    touch_only_per_s: float = 0.2
    fee_bps: float = 1.5
    lot: float = 1.0
    dynamics: Dynamics = OFF

    def __post_init__(self) -> None:
        require_positive(self, "kappa", "alpha_decay_bps", "half_spread_bps", "tick_bps", "price", "lot")
        require_positive(self, "A", "adverse_sd_bps", "sigma_bps_per_sqrt_s", "touch_only_per_s", or_zero=True)
        require_probability(self, "alpha_touch")
        if self.dynamics.toxic is not None and not (self.alpha_touch * self.adverse_bps and self.spread_floor_bps > 0):
            raise ValueError(
                f"toxic hours multiply the cost of informed fills, but fills cost {self.spread_floor_bps} bps with "
                f"alpha_touch {self.alpha_touch}: give alpha_touch, adverse_bps and fee_bps that cost something"
            )

    @property
    def spread_floor_bps(self) -> float:
        """Fee plus expected adverse move 500 ms after a fill at the touch, outside toxic hours."""
        return self.fee_bps + self.alpha_touch * self.adverse_bps

    @property
    def toxic_jump_ratio(self) -> float:
        """By what jumps are multiplied in toxic hours, so that the cost of a touch fill has the ratio asked for."""
        if self.dynamics.toxic is None:
            return 1.0
        cost_bps = self.dynamics.toxic.multiplier * self.spread_floor_bps
        return (cost_bps - self.fee_bps) / (self.alpha_touch * self.adverse_bps)

    @property
    def tick(self) -> float:
        """Tick in quote currency."""
        return self.price * self.tick_bps * 1e-4


@dataclass(frozen=True)
class Stress:
    """Ways in which a world leaves the plain assumptions; all off by default.

    Attributes
    ----------
    icc : float
        Intra-class correlation of informed fills within windows of 300 s: alpha_w ~ Beta with mean alpha and
        variance icc * alpha * (1 - alpha).
    kappa_wander : float
        Sd of log kappa between windows; the truth is the median.
    heavy_tails : bool
        Increments of the mid are Student-t with 3 degrees of freedom, variance unchanged.
    burst : float
        Sd of the intensity between windows, as a fraction of its mean A: it is A times a Gamma, and volatility goes
        with the root of that Gamma.
    cost_wander : float
        Sd between windows of the mean jump after an informed fill, as a fraction of the sd of one jump.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    icc: float = 0.0
    kappa_wander: float = 0.0
    heavy_tails: bool = False
    burst: float = 0.0
    cost_wander: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self, "icc", "kappa_wander", "burst", "cost_wander", or_zero=True)
        if not self.icc < 1:
            raise ValueError(f"icc is a correlation below 1, got {self.icc}")


PLAIN = Stress()


def with_values(truth: Truth, **values: Any) -> Truth:
    """Return the truth with some values replaced.

    Parameters
    ----------
    truth : Truth
        What is replaced in.
    **values
        Fields of `Truth`, or of a feature with its name in front, as in ``hawkes_branching``: that switches the
        feature on, with its other values as they were or by default.

    Raises
    ------
    ValueError
        If a name is not one of a truth's, or a value is outside its range.
    """
    own = {f.name for f in fields(truth)}
    known = [*(f.name for f in fields(truth)), *FEATURE_VALUES]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"a truth has no {', '.join(unknown)}; it has {', '.join(known)}")
    dynamics = values.get("dynamics", truth.dynamics)
    for name in values.keys() - own:
        feature, value_name = FEATURE_VALUES[name]
        kind = getattr(dynamics, feature) or FEATURES[feature]()
        dynamics = replace(dynamics, **{feature: replace(kind, **{value_name: values[name]})})
    return replace(truth, **{k: v for k, v in values.items() if k in own} | {"dynamics": dynamics})
