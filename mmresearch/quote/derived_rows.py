"""Rows of the catalogue that follow from others: each a formula of learned rows and of choices that are stated.

| row | from | and from choices |
|---|---|---|
| fill_probability_width_bps | kappa | - |
| depth_spacing_ratio | kappa | levels, first depth |
| quote_latch_threshold_bps | kappa, A, momentum_normalizer_bps | cost of a requote, first depth |
| max_daily_loss_fraction | momentum_normalizer_bps | exposure, probability |
| max_drawdown | momentum_normalizer_bps | exposure, probability, horizon |
| bocpd_threshold | - | costs of both errors |

The volatility is that of moves over a minute, s/sqrt(60 s): it holds jumps and drifts, as a day does. Values are
numbers or arrays of joint draws, in the units of the catalogue. Rows about tracking are in `mmresearch.quote.tracking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mmresearch.quote import derived
from mmresearch.quote.quantities import Values

MINUTE_S, DAY_S = 60.0, 86400.0


@dataclass(frozen=True)
class Choices:
    """What a desk decides and no tape can teach.

    Attributes
    ----------
    levels : int
        Quotes a side.
    first_depth_bps : float
        Depth of the first of them.
    requote_cost_bps : float
        Cost of a requote of both sides, bps of one lot.
    cost_false_positive, cost_false_negative : float
        Cost of acting on a changepoint that is none, and of missing one; one unit for both.
    exposure : float
        Root-mean-square position, as a multiple of equity.
    exceedance : float
        Probability with which chance exceeds a loss limit.
    horizon_days : float
        Horizon of the drawdown.
    """

    levels: int = 5
    first_depth_bps: float = 5.0
    requote_cost_bps: float = 0.1
    cost_false_positive: float = 1.0
    cost_false_negative: float = 3.0
    exposure: float = 1.0
    exceedance: float = 0.01
    horizon_days: float = 1.0


@dataclass(frozen=True)
class DerivedRow:
    """One row that follows from others.

    Attributes
    ----------
    inputs : tuple of str
        Rows of the catalogue that it follows from; "A" is the intensity at the mid, per second and side.
    formula : callable
        Value from (values of the inputs by name, choices).
    words : callable
        What it follows from, in words, from the choices.
    """

    inputs: tuple[str, ...]
    formula: Callable[[Mapping[str, Values], Choices], Values]
    words: Callable[[Choices], str]

    def value(self, known: Mapping[str, Values], choices: Choices) -> Values:
        """Return the row's value, in its unit.

        Parameters
        ----------
        known : mapping
            Values of the inputs by name: numbers, or arrays of joint draws, shape (S,).
        choices : Choices
            What was decided.
        """
        return self.formula(known, choices)


def _width_bps(known: Mapping[str, Values], choices: Choices) -> Values:
    return 1e4 / known["kappa"]


def _spacing(known: Mapping[str, Values], choices: Choices) -> Values:
    return derived.depth_spacing_ratio(choices.levels, _width_bps(known, choices), choices.first_depth_bps)


def _latch_bps(known: Mapping[str, Values], choices: Choices) -> Values:
    rate_per_s = known["A"] * np.exp(-known["kappa"] * 1e-4 * choices.first_depth_bps)
    sigma = known["momentum_normalizer_bps"] * 1e-4 / np.sqrt(MINUTE_S)
    return derived.quote_latch_threshold(choices.requote_cost_bps, sigma, known["kappa"], rate_per_s)


def _daily_volatility(known: Mapping[str, Values]) -> Values:
    return known["momentum_normalizer_bps"] * 1e-4 * np.sqrt(DAY_S / MINUTE_S)


def _daily_loss(known: Mapping[str, Values], choices: Choices) -> Values:
    return derived.max_daily_loss(1.0, choices.exposure, _daily_volatility(known), choices.exceedance)


def _drawdown(known: Mapping[str, Values], choices: Choices) -> Values:
    desk = choices.exposure * _daily_volatility(known)
    return derived.max_drawdown(desk, choices.horizon_days, choices.exceedance)


def _threshold(known: Mapping[str, Values], choices: Choices) -> Values:
    return derived.confidence_threshold(choices.cost_false_positive, choices.cost_false_negative)


#: Parameter -> how it follows from others.
DERIVED_ROWS: Mapping[str, DerivedRow] = {
    "max_daily_loss_fraction": DerivedRow(
        ("momentum_normalizer_bps",),
        _daily_loss,
        lambda c: (
            f"from moves over 60 s, at an exposure of {c.exposure:g} x equity, exceeded on {c.exceedance:.0%} of days"
        ),
    ),
    "max_drawdown": DerivedRow(
        ("momentum_normalizer_bps",),
        _drawdown,
        lambda c: (
            f"from moves over 60 s, at an exposure of {c.exposure:g} x equity, exceeded in {c.horizon_days:g} d "
            f"with probability {c.exceedance:g}"
        ),
    ),
    "bocpd_threshold": DerivedRow(
        (),
        _threshold,
        lambda c: (
            f"from the costs of a false alarm and of a miss, {c.cost_false_positive:g} : {c.cost_false_negative:g}, "
            "whatever the data"
        ),
    ),
    "quote_latch_threshold_bps": DerivedRow(
        ("kappa", "A", "momentum_normalizer_bps"),
        _latch_bps,
        lambda c: (
            f"from kappa, A and moves over 60 s, at {c.requote_cost_bps:g} bps a requote and a first quote at "
            f"{c.first_depth_bps:g} bps"
        ),
    ),
    "depth_spacing_ratio": DerivedRow(
        ("kappa",), _spacing, lambda c: f"from kappa, for {c.levels} levels from {c.first_depth_bps:g} bps on"
    ),
    "fill_probability_width_bps": DerivedRow(("kappa",), _width_bps, lambda c: "from kappa: 1/kappa"),
}
