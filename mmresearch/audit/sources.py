"""Which events of a tape a learner sees, and the evidence of the same events for the reference.

A tape with own fills is taken as it is. A market-data tape has none: orders at the touch are added for labels and
markouts, orders at rotating depths for kappa, and a learner that reads other people's trades sees just those. The
reference is fitted to the very events that the learner saw, so that a difference is the shortcut's and not the data's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from mmresearch.learn.contract import Learner, reads_of
from mmresearch.quote.edge import Market
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, empty_table
from mmresearch.tape.evidence import DepthCounts, Evidence, MarkoutMoments, WalkCounts, evidence
from mmresearch.tape.hypothetical import default_depths_bps
from mmresearch.tape.schema import Tape

Source = Literal["own fills", "at touch", "rotating", "trades"]

ROTATION_S = 5.0


def has_own_fills(tape: Tape) -> bool:
    """Whether the tape brings orders of ours."""
    return bool(len(tape.orders) or len(tape.fills))


def source_of(learner: Learner, tape: Tape) -> Source:
    """Say which events of the tape the learner is shown."""
    if reads_of(learner) == "trades":
        return "trades"
    if has_own_fills(tape):
        return "own fills"
    return "rotating" if learner.parameter == "kappa" else "at touch"


def shown(tape: Tape, source: Source, seed: int) -> Tape:
    """Return the tape with the events of the source in it, and no others."""
    if source == "trades":
        return replace(tape, orders=empty_table(ORDER_COLUMNS), fills=empty_table(FILL_COLUMNS))
    if source == "at touch":
        return tape.at_touch()
    if source == "rotating":
        return tape.rotating(default_depths_bps(tape), ROTATION_S, seed)
    return tape


def events_of(parameter: str, given: Evidence, index: int) -> int:
    """Number of distinct events that speak about a parameter on one tape."""
    if parameter == "alpha_touch":
        return int(given.alpha_touch[index].total.sum())
    if parameter == "spread_floor_bps":
        return int(given.spread_floor_bps[index].n.sum())
    counts = given.kappa[index]
    return int((counts.fills if isinstance(counts, DepthCounts) else counts.beyond).sum())


def unpooled(parameter: str, given: Evidence, index: int) -> float:
    """Estimate from one tape alone, with no prior, in the catalogue unit; NaN without events."""
    if parameter == "alpha_touch":
        labels = given.alpha_touch[index]
        return float(labels.informed.sum() / labels.total.sum()) if labels.total.sum() else np.nan
    if parameter == "spread_floor_bps":
        return mean_cost_bps(given.spread_floor_bps[index])
    market = point_market(given.kappa[index])
    return np.nan if market is None else float(market.kappa_per_bp[0] * 1e4)


def mean_cost_bps(moments: MarkoutMoments) -> float:
    """Fee plus mean adverse move of the touch fills, in bps; the fee alone if there are none."""
    n = moments.n.sum()
    return float(moments.fee_bps + (moments.n @ moments.mean_bps / n if n else 0.0))


def market_of(tape: Tape) -> Market | None:
    """Maximum-likelihood (kappa, A) of a tape: from own fills, or from the depths that market orders reached."""
    seen = tape if has_own_fills(tape) else shown(tape, "trades", 0)
    return point_market(evidence([seen], window_s=tape.seconds).kappa[0])


def point_market(counts: DepthCounts | WalkCounts) -> Market | None:
    """Maximum-likelihood (kappa, A) as a market of one draw; None if the data do not bound it."""
    if isinstance(counts, WalkCounts):
        return _from_walks(counts)
    n, exposure = counts.fills.sum(axis=0), counts.exposure_s.sum(axis=0)
    depth = (counts.depth_bps * counts.exposure_s).sum(axis=0) / exposure
    total = float(n.sum())
    if not total:
        return None
    mean_depth = float(n @ depth) / total

    def gap(kappa: float) -> float:
        weight = exposure * np.exp(-kappa * (depth - depth.min()))
        return float(weight @ depth / weight.sum()) - mean_depth

    low, high = 1e-5, 50.0
    if gap(low) * gap(high) > 0:
        return None
    kappa = float(brentq(gap, low, high))
    intensity = total / float(exposure @ np.exp(-kappa * depth))
    return Market(np.array([kappa]), np.array([intensity]))


def _from_walks(counts: WalkCounts) -> Market | None:
    beyond, excess = float(counts.beyond.sum()), float(counts.excess_bps.sum())
    if not beyond or not excess:
        return None
    tick = float(counts.beyond @ counts.tick_bps) / beyond
    kappa = float(np.log1p(beyond * tick / excess) / tick) if tick > 0 else beyond / excess
    rate = beyond / (2 * float(counts.seconds.sum()))
    half = float(np.average(counts.half_spread_bps, weights=counts.seconds))
    return Market(np.array([kappa]), np.array([rate * np.exp(kappa * half)]))
