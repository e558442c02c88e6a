"""What the events of a tape say by themselves: how many there are, and estimates without a prior.

The reference is fitted to the very events that the learner saw (`mmresearch.learn.batch.events`), so that a difference
is the shortcut's and not the data's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from mmresearch.learn.batch.events import has_own_fills, shown_from
from mmresearch.models.features import FeatureEvidence
from mmresearch.models.series import SeriesEvidence
from mmresearch.quote.edge import Market
from mmresearch.tape.evidence import DepthCounts, Evidence, MarkoutMoments, WalkCounts, evidence
from mmresearch.tape.schema import Tape


def events_of(parameter: str, given: Evidence | SeriesEvidence | FeatureEvidence, index: int) -> int:
    """Number of distinct events that speak about a parameter on one tape.

    Parameters
    ----------
    parameter : str
        One whose events the evidence counts.
    given : Evidence, SeriesEvidence or FeatureEvidence
        One entry per tape.
    index : int
        Which tape.

    Raises
    ------
    ValueError
        If the evidence holds no events of the parameter.
    """
    if parameter not in _EVENTS:
        raise ValueError(f"evidence holds no events of {parameter}; it holds those of {', '.join(_EVENTS)}")
    return int(_EVENTS[parameter](given, index))


def is_silent(parameter: str, given: Any, index: int) -> bool:
    """Whether a tape has nothing at all that could teach a parameter of series: no event, and no time to see one in.

    Parameters
    ----------
    parameter : str
        Any row of the catalogue; what fills teach is never silent, since time without a fill says something.
    given : Evidence, SeriesEvidence or FeatureEvidence
        One entry per tape.
    index : int
        Which tape.
    """
    if parameter in _SEEN_S:
        return bool(_SEEN_S[parameter](given, index) == 0)
    return False


def unpooled(parameter: str, given: Evidence, index: int) -> float:
    """Estimate from one tape alone, with no prior, in the catalogue unit; NaN without events or such an estimate.

    Parameters
    ----------
    parameter : str
        Any row of the catalogue.
    given : Evidence
        One entry per tape.
    index : int
        Which tape.
    """
    return _UNPOOLED[parameter](given, index) if parameter in _UNPOOLED else np.nan


def _kappa_events(given: Evidence, index: int) -> int:
    counts = given.kappa[index]
    return int((counts.fills if isinstance(counts, DepthCounts) else counts.beyond).sum())


def _share_informed(given: Evidence, index: int) -> float:
    labels = given.alpha_touch[index]
    return float(labels.informed.sum() / labels.total.sum()) if labels.total.sum() else np.nan


def _point_kappa(given: Evidence, index: int) -> float:
    market = point_market(given.kappa[index])
    return np.nan if market is None else float(market.kappa_per_bp[0] * 1e4)


def mean_cost_bps(moments: MarkoutMoments) -> float:
    """Fee plus mean adverse move of the touch fills, in bps; the fee alone if there are none."""
    n = moments.n.sum()
    return float(moments.fee_bps + (moments.n @ moments.mean_bps / n if n else 0.0))


def market_of(tape: Tape) -> Market | None:
    """Maximum-likelihood (kappa, A) of a tape: from own fills, or from the depths that market orders reached."""
    seen = tape if has_own_fills(tape) else shown_from(tape, "trades", 0)
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


#: Parameter of features -> (evidence, tape) -> number of its values.
_VALUES: Mapping[str, Callable[[Any, int], float]] = {
    "momentum_normalizer_bps": lambda given, index: given.minutes[index].n,
    "proactive_skew_sensitivity": lambda given, index: given.momentum[index].values.size,
    "predictive_bias_sensitivity": lambda given, index: given.changepoints[index].values.size,
    "toxic_hour_gamma_mult": lambda given, index: given.hours[index].n.sum(),
    "cascade_oi_threshold": lambda given, index: given.falls[index].total.sum(),
}
#: Parameter of series or features -> (evidence, tape) -> seconds, or rows, in which something could be seen.
_SEEN_S: Mapping[str, Callable[[Any, int], float]] = {
    **dict.fromkeys(("hawkes_mu", "hawkes_alpha", "hawkes_beta"), lambda given, index: given.events[index].open_s),
    **dict.fromkeys(("kalman_q", "kalman_r"), lambda given, index: given.level[index].steps),
    "microprice_decay": lambda given, index: given.lead[index].steps,
    "bocpd_hazard_rate": lambda given, index: given.changes[index].exposure_s,
    "regime_sticky_diagonal": lambda given, index: given.regimes[index].returns.size,
    **_VALUES,
}
#: Parameter -> (evidence, tape) -> number of its events.
_EVENTS: Mapping[str, Callable[[Any, int], float]] = {
    **dict.fromkeys(("hawkes_mu", "hawkes_alpha", "hawkes_beta"), lambda given, index: given.events[index].ts.size),
    **dict.fromkeys(("kalman_q", "kalman_r"), lambda given, index: given.level[index].steps),
    "microprice_decay": lambda given, index: given.lead[index].steps,
    "bocpd_hazard_rate": lambda given, index: round(given.changes[index].changes),
    "regime_sticky_diagonal": lambda given, index: given.regimes[index].returns.size,
    **_VALUES,
    "kappa": _kappa_events,
    "alpha_touch": lambda given, index: int(given.alpha_touch[index].total.sum()),
    "spread_floor_bps": lambda given, index: int(given.spread_floor_bps[index].n.sum()),
}
#: Parameter -> (evidence, tape) -> estimate without prior, in the catalogue unit.
_UNPOOLED: Mapping[str, Callable[[Evidence, int], float]] = {
    "kappa": _point_kappa,
    "alpha_touch": _share_informed,
    "spread_floor_bps": lambda given, index: mean_cost_bps(given.spread_floor_bps[index]),
}
