"""Kappa as deployed: every five seconds, the fills so far over the seconds so far times the market spread.

    shape += N(t),   rate += t * spread(t)      each 5 s, if 100 < N(t) / (t * spread(t)) < 1e5

N(t) counts fills since the start, t the seconds since then, spread(t) the last quoted spread as a fraction of mid.
What is wrong with it is the audit's business: a count per (second x price) is no decay per price, and cumulative
numbers are fed again and again. The last learner of the module is the other shortcut in use: distances of fills alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.gamma import Gamma
from mmresearch.learn.contract import State
from mmresearch.tape.mids import NO_QUOTES, QuoteArrays, index_before, mid_before, quote_arrays
from mmresearch.tape.schema import Tape

PRIOR_MEAN, PRIOR_STRENGTH = 2000.0, 4.0
STEP_S = 5.0
KEPT_RANGE = (100.0, 1e5)


@dataclass(frozen=True)
class RateState:
    """Where the clock stands, what has been fed, and what waits for the next tick of the clock."""

    start_s: float | None = None
    ticks: int = 0
    shape: float = PRIOR_STRENGTH
    rate: float = PRIOR_STRENGTH / PRIOR_MEAN
    fills: float = 0.0
    fed_fills: float = 0.0
    fed_seconds: float = 0.0
    last_quote: QuoteArrays = NO_QUOTES


@dataclass(frozen=True)
class DeployedKappa:
    """Fills per second and unit of spread, taken for the decay of the fill intensity.

    Parameters
    ----------
    cumulative : bool
        Feed the totals since the start again at each step (as deployed), or only what is new.
    filtered : bool
        Drop values outside (100, 1e5), as deployed.
    """

    cumulative: bool = True
    filtered: bool = True
    parameter: str = "kappa"
    name: str = "DeployedKappa"

    def init(self) -> RateState:
        """Start the clock at the first slice."""
        return RateState()

    def update(self, state: RateState, tape: Tape) -> RateState:
        """Advance the five-second clock through the slice."""
        start = tape.t0 if state.start_s is None else state.start_s
        known = quote_arrays(tape.quotes, state.last_quote)
        last = int(np.ceil((tape.t1 - start) / STEP_S - 1e-9)) - 1
        ticks = np.arange(state.ticks + 1, last + 1)
        times = np.asarray(start + ticks * STEP_S, dtype=np.float64)
        fills = np.sort(tape.fills["ts"].to_numpy())
        counts = state.fills + np.searchsorted(fills, times, side="left")
        after = replace(
            state, start_s=start, ticks=max(last, state.ticks), fills=state.fills + fills.size, last_quote=known.last()
        )
        spreads = _spread_fraction(known, times)
        for count, seconds, spread in zip(counts, ticks * STEP_S, spreads, strict=True):
            after = self._tick(after, float(count), float(seconds), float(spread))
        return after

    def _tick(self, state: RateState, count: float, seconds: float, spread: float) -> RateState:
        if not (np.isfinite(spread) and spread > 0):
            return state
        events, span = count, seconds
        if not self.cumulative:
            events, span = count - state.fed_fills, seconds - state.fed_seconds
        value = events / (span * spread)
        if self.filtered and not KEPT_RANGE[0] < value < KEPT_RANGE[1]:
            return state
        return replace(
            state,
            shape=state.shape + events,
            rate=state.rate + span * spread,
            fed_fills=count,
            fed_seconds=seconds,
        )

    def posterior(self, state: State) -> Gamma:
        """Gamma, in 1/(fraction of price) by name."""
        return Gamma(state.shape, state.rate)


def _spread_fraction(quotes: QuoteArrays, times: NDArray[np.float64]) -> NDArray[np.float64]:
    row = index_before(quotes, times)
    if not len(quotes.ts):
        return np.full(len(times), np.nan)
    return np.where(row >= 0, (quotes.ask[row] - quotes.bid[row]) / quotes.mid[row], np.nan)


@dataclass(frozen=True)
class DistanceState:
    """Number of fills, the sum of their distances from the mid (fraction of price), the last quote, orders seen."""

    shape: float = PRIOR_STRENGTH
    rate: float = PRIOR_STRENGTH / PRIOR_MEAN
    last_quote: QuoteArrays = NO_QUOTES


@dataclass(frozen=True)
class KappaFillDistances:
    """Exponential distances of the fills that happened: shape += 1, rate += distance, whatever we had quoted."""

    parameter: str = "kappa"
    name: str = "KappaFillDistances"

    def init(self) -> DistanceState:
        """Start from the prior."""
        return DistanceState()

    def update(self, state: DistanceState, tape: Tape) -> DistanceState:
        """Add the distance of each fill from the mid just before it."""
        known = quote_arrays(tape.quotes, state.last_quote)
        mid = mid_before(known, tape.fills["ts"].to_numpy())
        side, price = tape.fills["side"].to_numpy(), tape.fills["price"].to_numpy()
        distance = side * (mid - price) / mid
        seen = np.isfinite(distance)
        total = float(np.maximum(distance[seen], 0.0).sum())
        return replace(state, shape=state.shape + float(seen.sum()), rate=state.rate + total, last_quote=known.last())

    def posterior(self, state: State) -> Gamma:
        """Gamma, in 1/(fraction of price)."""
        return Gamma(state.shape, state.rate)
