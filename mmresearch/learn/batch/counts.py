"""How many events of a tape speak about a parameter: fills and trades, or points and reports of a series.

Series are read on the absolute grid of their learners (`mmresearch.tape.resample`), so that a count is what a learner
of the row could have seen; a tape without the signal of a row has no event of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mmresearch.learn.contract import Learner, reads_of
from mmresearch.tape.evidence import DepthCounts, Evidence, evidence
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.resample import Resampler, Samples, signal_values
from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import market_orders


def count_events(learner: Learner, tape: Tape) -> int:
    """Count the events that speak about the parameter, on the tape that the learner was shown.

    Touch fills whose move 500 ms later is known for alpha_touch, spread_floor_bps and toxic_hour_gamma_mult; for kappa
    fills of listed orders, or market orders that walked; whole minutes or seconds of quotes, or reports of the signal,
    for rows of moves and signals; for other parameters all market orders if the learner reads trades, else all fills.

    Parameters
    ----------
    learner : Learner
        Who was shown the tape.
    tape : Tape
        With the events of its source, and no others.
    """
    if learner.parameter in _IN_SERIES:
        return int(_IN_SERIES[learner.parameter](tape))
    if learner.parameter in _IN_EVIDENCE:
        return int(_IN_EVIDENCE[learner.parameter](evidence([tape], max(tape.seconds, 1.0))))
    if reads_of(learner) == "trades":
        return len(market_orders(tape.trades, tape.quotes, tape.meta.tick))
    return int(OwnOrders().step(tape)[3].ts.size)


def _kappa_events(given: Evidence) -> float:
    counts = given.kappa[0]
    return float((counts.fills if isinstance(counts, DepthCounts) else counts.beyond).sum())


def _touch_moves(given: Evidence) -> float:
    return float(given.spread_floor_bps[0].n.sum())


_IN_EVIDENCE: Mapping[str, Callable[[Evidence], float]] = {
    "alpha_touch": lambda given: float(given.alpha_touch[0].total.sum()),
    "spread_floor_bps": _touch_moves,
    "toxic_hour_gamma_mult": _touch_moves,
    "kappa": _kappa_events,
}


def _points(tape: Tape, step_s: float, column: str | None = None) -> Samples:
    """Quotes, and the last value of the signal, at the points of the grid."""
    return Resampler(step_s, column=column, reach_s=step_s).step(tape)[1]


def _moves(tape: Tape) -> float:
    return float(_points(tape, 60.0).neighbours().sum())


def _foretold(tape: Tape) -> float:
    points = _points(tape, 10.0, "momentum")
    return float((points.neighbours() & np.isfinite(points.signal[:-1])).sum())


def _changes(tape: Tape) -> float:
    return float((signal_values(tape, "changepoint")[1] > 0.5).sum())


def _falls(tape: Tape) -> float:
    points = _points(tape, 60.0, "open_interest")
    return float((points.neighbours() & (np.diff(points.signal) < 0)).sum())


def _steps(tape: Tape) -> float:
    return max(float(_points(tape, 1.0).fresh.sum()) - 1.0, 0.0)


def _seconds(tape: Tape) -> float:
    points = _points(tape, 1.0)
    return float((points.neighbours() & points.fresh[1:]).sum())


_IN_SERIES: Mapping[str, Callable[[Tape], float]] = {
    "momentum_normalizer_bps": _moves,
    "proactive_skew_sensitivity": _foretold,
    "predictive_bias_sensitivity": _changes,
    "cascade_oi_threshold": _falls,
    "microprice_decay": _steps,
    "kalman_q": _steps,
    "kalman_r": _steps,
    "bocpd_hazard_rate": _changes,
    "regime_sticky_diagonal": _seconds,
}
