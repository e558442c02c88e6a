"""The fifteen derived constants in one table: the deployed formula, the right one, and why they differ.

A deployed formula is

* `right` if it is the best value of the objective that its name states, wherever its clip does not bind,
* `wrong` if it is not, or if its clip cuts off values that the system's own prior holds likely,
* a `convention` if it states no objective that it could miss.

How much of the catalogue's prior of the same number a clip forbids, P(theta < low) + P(theta > high), is in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from mmresearch.belief.catalogue import prior
from mmresearch.quote import derived, derived_deployed
from mmresearch.quote.quantities import inputs_of, unit_of

Verdict = Literal["right", "wrong", "convention"]


@dataclass(frozen=True)
class DerivedConstant:
    """One derived constant.

    Attributes
    ----------
    name : str
        Name of the constant.
    deployed : callable
        Formula of the trading system.
    right : callable or None
        Formula to use instead; None where the deployed one stands.
    verdict : {"right", "wrong", "convention"}
        What the deployed formula is.
    why : str
        The reason, with a number.
    parameters : tuple of str
        Rows of the catalogue that it is about.
    """

    name: str
    deployed: Callable[..., Any]
    right: Callable[..., Any] | None
    verdict: Verdict
    why: str
    parameters: tuple[str, ...] = ()

    @property
    def best(self) -> Callable[..., Any]:
        """The formula to use: the right one where there is one, else the deployed one."""
        return self.right or self.deployed

    @property
    def unit(self) -> str:
        """Unit of what the deployed formula returns; `unit_of(best)` may be another."""
        return unit_of(self.deployed)

    @property
    def inputs(self) -> Mapping[str, str]:
        """Unit of each input of the deployed formula."""
        return inputs_of(self.deployed)

    @property
    def clip(self) -> tuple[float, float] | None:
        """Range into which the deployed formula is forced, in its unit."""
        return derived_deployed.CLIPS.get(self.name)

    @property
    def prior_outside_clip(self) -> float:
        """Mass of the catalogue's prior that the clip forbids; NaN without a clip or without such a row."""
        if self.clip is None or len(self.parameters) != 1:
            return float("nan")
        belief = prior(self.parameters[0])
        return float(belief.cdf(self.clip[0]) + 1.0 - belief.cdf(self.clip[1]))


_ROWS = (
    DerivedConstant(
        "gamma_from_glft",
        derived_deployed.gamma_from_glft,
        derived.gamma_from_glft,
        "wrong",
        "no inverse of the half-spread, whose first term falls in gamma and stays below 1/kappa: it rises with the "
        "target. (3 bps, 2000) needs 3158, it says 5; (5 bps, 2000) has no solution; with the volatility term there "
        "can be two. Its clip [.05, 5] moves the first term by at most .13 % at kappa = 2000",
        ("gamma_base",),
    ),
    DerivedConstant(
        "spread_floor",
        derived_deployed.spread_floor,
        derived.spread_floor,
        "wrong",
        "abs(AS) counts favourable selection as cost: AS = -3 gives the same 5.44 bps as AS = 3, break-even is -1.32; "
        "an sd over the latency is no expected cost (the option is worth .40 of it, and moves after own fills contain "
        "it); the factor 1.1 makes a rebate larger",
        ("spread_floor_bps",),
    ),
    DerivedConstant(
        "max_daily_loss",
        derived_deployed.max_daily_loss,
        derived.max_daily_loss,
        "wrong",
        "a Kelly fraction is the share of equity lost when a bet is lost, not an exposure: at a loss of 1 % per unit "
        "of position, Kelly .25 is 25 times equity. Nor is 2 sd a stated risk: one-sided it is 2.3 % of the days",
        ("max_daily_loss_fraction",),
    ),
    DerivedConstant(
        "max_drawdown",
        derived_deployed.max_drawdown,
        derived.max_drawdown,
        "wrong",
        "2.33 is the 99 % quantile of where a path ends, not of its drawdown (2.807); and a driftless path grows with "
        "H^.5, not H^.4. (.02, 3): .0723, exceeded by about 7 % of paths; the 1 % limit is .0972",
        ("max_drawdown",),
    ),
    DerivedConstant(
        "ewma_alpha",
        derived_deployed.ewma_alpha,
        None,
        "right",
        "the old value keeps half its weight after h samples. It is the weight of the *new* value: kappa_ewma_alpha "
        "and kelly_tracker_decay are weights of the old one, its complement. A half-life <= 0 gets .1, as 6.6 do",
        ("kappa_ewma_alpha",),
    ),
    DerivedConstant(
        "kalman_noise",
        derived_deployed.kalman_noise,
        derived.kalman_noise,
        "wrong",
        "trade prices lie half a spread from the mid, so R = (spread/2)^2, four times the deployed: 6.25e-8 for 5 bps. "
        "For mids no spread gives R: it is to be estimated. Q is right if sigma is that of the mid",
        ("kalman_q", "kalman_r"),
    ),
    DerivedConstant(
        "hazard_rate",
        derived_deployed.hazard_rate,
        derived.hazard_rate,
        "wrong",
        "1/E is right, its clip is not: per sample, it forbids runs above 1000 samples, 17 minutes at 1 s and 100 s at "
        ".1 s; a run of an hour of seconds comes out 3.6 times too likely to end",
        ("bocpd_hazard_rate",),
    ),
    DerivedConstant(
        "cascade_threshold",
        derived_deployed.cascade_threshold,
        None,
        "convention",
        "sds of all changes say nothing of what follows a drop, and no probability: 3 sds are exceeded downwards by "
        ".0013 of Normal changes and by .0069 of Student-t ones with 3 degrees of freedom. cascade_oi_threshold is the "
        "learned quantity",
        ("cascade_oi_threshold",),
    ),
    DerivedConstant(
        "toxic_hour_multiplier",
        derived_deployed.toxic_hour_multiplier,
        derived.toxic_hour_multiplier,
        "wrong",
        "abs(AS) counts favourable hours as toxic: (5, -15, 1.5) gives the 2.54 of (5, 15, 1.5); the clip from 1.5 on "
        "cannot say that an hour is as good as any other",
        ("toxic_hour_gamma_mult",),
    ),
    DerivedConstant(
        "quote_latch_threshold",
        derived_deployed.quote_latch_threshold,
        derived.quote_latch_threshold,
        "wrong",
        "a cancelled quote pays no fee and no slippage; it loses its place in the queue. What a stale quote loses, by "
        "volatility, kappa and fill rate, is missing: from sigma 1 to 4 bps/sqrt(s) the best band doubles",
        ("quote_latch_threshold_bps",),
    ),
    DerivedConstant(
        "reduce_only_threshold",
        derived_deployed.reduce_only_threshold,
        derived.reduce_only_threshold,
        "wrong",
        "it *rises* with leverage and with maintenance margin, which both bring liquidation nearer: (20, .05, .03) "
        "gives .95, where a move of 3 % liquidates above .61; (3, .05, .03) gives .80, where all of it is safe",
    ),
    DerivedConstant(
        "depth_spacing_ratio",
        derived_deployed.depth_spacing_ratio,
        derived.depth_spacing_ratio,
        "wrong",
        "a ratio of depths must not move when all distances double, but this one measures the decay in units of 20 bps "
        "and does not know the first depth; n levels have n - 1 gaps. Equal fills, its stated aim, at (5, 20) need "
        "1.65 from 5 bps on and 1.27 from 20 on, it says 1.22",
        ("depth_spacing_ratio",),
    ),
    DerivedConstant(
        "momentum_normalizer",
        derived_deployed.momentum_normalizer,
        None,
        "right",
        "sd of a driftless move over T. The clip binds where volatility x sqrt(T) is below 5 bps: 2 bps/sqrt(s) up to "
        "6 s; the signal is then understated",
        ("momentum_normalizer_bps",),
    ),
    DerivedConstant(
        "confidence_threshold",
        derived_deployed.confidence_threshold,
        derived.confidence_threshold,
        "wrong",
        "wrong direction: the dearer a miss, the sooner one must act, at cFP/(cFP + cFN); the base rate is in the "
        "probability that is compared, and must not count twice. (1, 3): .25, it says .5625 at a base rate of .3",
        ("bocpd_threshold",),
    ),
    DerivedConstant(
        "ir_based_threshold",
        derived_deployed.ir_based_threshold,
        derived.ir_based_threshold,
        "wrong",
        "abs() ignores the sign: a mean ratio of 1.2 against a target of 1 asks for as strong a signal as one of .8; "
        "and a z-score is in sds of the ratio, not in units of a signal. Half an sd from the target it is at its cap",
    ),
)

#: Name -> constant, in the order of the trading system.
DERIVED: Mapping[str, DerivedConstant] = MappingProxyType({row.name: row for row in _ROWS})


def derived_table() -> pd.DataFrame:
    """Return the fifteen constants as a table, one row each, indexed by name.

    Columns: `verdict`, `why`, `deployed` and `right` (full names of the functions; `right` is "" where the deployed one
    stands), `inputs` and `unit` of the deployed formula, `right_inputs` and `right_unit`, `clip_low`, `clip_high` (NaN
    without a clip), `prior_outside_clip` (probability), `parameters` of the catalogue.
    """
    return pd.DataFrame([_row(c) for c in DERIVED.values()]).set_index("name")


def _row(constant: DerivedConstant) -> dict[str, Any]:
    low, high = constant.clip or (float("nan"), float("nan"))
    right = constant.right
    return {
        "name": constant.name,
        "verdict": constant.verdict,
        "why": constant.why,
        "deployed": _full_name(constant.deployed),
        "right": _full_name(right) if right else "",
        "inputs": _listed(constant.inputs),
        "unit": constant.unit,
        "right_inputs": _listed(inputs_of(right)) if right else "",
        "right_unit": unit_of(right) if right else "",
        "clip_low": low,
        "clip_high": high,
        "prior_outside_clip": constant.prior_outside_clip,
        "parameters": ", ".join(constant.parameters),
    }


def _full_name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}"


def _listed(units: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({unit})" for name, unit in units.items())
