"""The signals of a tape: what was read on each second, what a filter decoded, and the profit of fills.

    P(lively | returns so far)   by the forward recursion with stay probability .95, whatever the true one is,
    pnl = lot (side (M(t + 500 ms) - price) - fee price) / account.

The regime of a row is what the filter says after the return over the second that ends there; the regime itself is
nowhere on a tape. The profit of a fill stands in the row of its time, though the mid that marks it comes 500 ms later.

Units: seconds; volatilities in bps/sqrt(s); profit as a fraction of the account.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numba import njit

from mmresearch.sim.features import Regimes
from mmresearch.sim.steps import Steps
from mmresearch.sim.truth import Truth
from mmresearch.tape.mids import FloatArray, mid_at_or_after, mid_at_or_before

#: Stay probability per second that the deployed filter supposes.
FILTER_STAY = 0.95
MARK_S = 0.5


def signals_of(truth: Truth, steps: Steps | None, quotes: pd.DataFrame, fills: pd.DataFrame) -> pd.DataFrame | None:
    """Put together the signals of a tape; None if no feature has one.

    Parameters
    ----------
    truth : Truth
        Which features are on.
    steps : Steps or None
        What is read on each second.
    quotes, fills : DataFrame
        The tape's tables.
    """
    by_second = dict(steps.signals) if steps is not None else {}
    if steps is not None and truth.dynamics.regimes:
        by_second["regime"] = decoded(truth, truth.dynamics.regimes, mid_at_or_before(quotes, steps.ts))
    ts = steps.ts if steps is not None and by_second else np.empty(0)
    if truth.dynamics.account is None:
        return pd.DataFrame({"ts": ts, **by_second}) if by_second else None
    when, pnl = _profits(truth, truth.dynamics.account.lots, quotes, fills)
    columns = {name: np.append(values, np.full(when.size, np.nan)) for name, values in by_second.items()}
    columns["pnl"] = np.append(np.full(ts.size, np.nan), pnl)
    table = pd.DataFrame({"ts": np.append(ts, when), **columns})
    return table.sort_values("ts", kind="stable", ignore_index=True)


def _profits(
    truth: Truth, account_lots: float, quotes: pd.DataFrame, fills: pd.DataFrame
) -> tuple[FloatArray, FloatArray]:
    """Time and profit of each fill that a quote follows after 500 ms."""
    ts, side, price = (fills[name].to_numpy(dtype=np.float64) for name in ("ts", "side", "price"))
    gain = side * (mid_at_or_after(quotes, ts + MARK_S) - price) - truth.fee_bps * 1e-4 * price
    known = np.isfinite(gain)
    return ts[known], gain[known] / (account_lots * truth.price)


def decoded(truth: Truth, regimes: Regimes, mid: FloatArray) -> FloatArray:
    """Label each second with the likelier regime, 0 calm and 1 lively; NaN where nothing was seen yet.

    Parameters
    ----------
    truth : Truth
        Volatility of the calm regime, noise of the quotes: the filter knows both.
    regimes : Regimes
        Ratio of the volatilities; the stay probability is not looked at.
    mid : ndarray, shape (K,)
        Mid when each second begins.

    Returns
    -------
    ndarray, shape (K,)
    """
    noise = truth.dynamics.noise.variance if truth.dynamics.noise else 0.0
    calm = (truth.sigma_bps_per_sqrt_s * 1e-4) ** 2
    variances = np.maximum([calm + 2 * noise, calm * regimes.volatility_ratio**2 + 2 * noise], 1e-16)
    squared = np.diff(np.log(mid)) ** 2
    log_odds = 0.5 * (squared * (1 / variances[0] - 1 / variances[1]) - np.log(variances[1] / variances[0]))
    return np.append(np.nan, _filtered(log_odds, FILTER_STAY) > 0.5)[: mid.size]


@njit(cache=True)
def _filtered(log_odds, stay):
    """Probability of the lively regime after each return."""
    lively, seen = 0.5, np.empty(log_odds.size)
    for k in range(log_odds.size):
        before = stay * lively + (1 - stay) * (1 - lively)
        odds = before / (1 - before) * np.exp(min(log_odds[k], 500.0))
        lively = odds / (1 + odds)
        seen[k] = lively
    return seen
