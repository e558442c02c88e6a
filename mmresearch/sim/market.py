"""One asset, event by event: a mid, other people's market orders, and our resting orders among them.

A market order of the flow reaches a depth D ~ Exp(kappa) from the mid. Our order at depth d (from the quoted mid just
before; below zero counts as zero) is filled if and only if D >= d, so that

    fills at depth d ~ Poisson process of rate A e^{-kappa d},   exactly, for any policy.

An order with D below the half-spread stops at the touch; extra touch-only orders print there and never reach us, who
stand behind a queue. The mid is S0 exp(B + jumps): B moves at quote times, and after an informed fill of ours the mid
jumps against us within 300 ms. Quotes are the mid -+ half-spread, rounded to the tick. After a fill nothing of ours
rests for the policy's pause, so no second fill disturbs a 500 ms markout: its mean is alpha times the mean jump.

Units: seconds, bps of mid, kappa per fraction of price, A per second and side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mmresearch.sim.desk import Desk, Side
from mmresearch.sim.flow import WINDOW_S, Flow, draw_flow, draw_path, draw_windows, prints
from mmresearch.sim.policies import Policy
from mmresearch.sim.truth import PLAIN, Stress, Truth
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS
from mmresearch.tape.mids import FloatArray
from mmresearch.tape.schema import Tape, TapeMeta

JUMP_DELAY_S = (0.02, 0.3)
#: The markout that must stay clean of other fills of ours.
MARKOUT_S = 0.5
#: Quotes that are made at once.
_BLOCK = 128


def play(
    truth: Truth,
    seconds: float,
    policy: Policy,
    seed: int | Sequence[int],
    stress: Stress = PLAIN,
    quote_s: float = 0.25,
) -> Tape:
    """Play a world for one asset and return its tape.

    Parameters
    ----------
    truth : Truth
        What is true.
    seconds : float
        Length of the tape.
    policy : Policy
        How we quote.
    seed : int or sequence of int
        Equal seeds give equal tapes.
    stress : Stress
        Departures from the plain assumptions.
    quote_s : float
        Mean time between quotes.

    Returns
    -------
    Tape
        Provenance "synthetic", ``t0`` = 0.

    Raises
    ------
    ValueError
        If the tape has no room for two quotes, or the policy's pause is shorter than a markout.
    """
    if not 0 < 2 * quote_s <= seconds:
        raise ValueError(f"a tape must hold two quotes or more, got {seconds} s with one every {quote_s} s")
    if not policy.pause_s >= MARKOUT_S:
        raise ValueError(f"pause_s must be at least {MARKOUT_S} s, or fills disturb markouts; got {policy.pause_s}")
    rng = np.random.default_rng(seed)
    windows = draw_windows(truth, seconds, stress, rng)
    flow = draw_flow(truth, seconds, windows, rng)
    ts, log_mid = draw_path(truth, seconds, quote_s, windows, stress, rng)
    n = int(seconds / 0.5) + 8
    sides = (Side.of(1, policy.plan(rng, n)), Side.of(-1, policy.plan(rng, n)))
    desk = Desk(truth, policy.pause_s, policy.pegged, sides)
    book = _Book(ts, np.exp(log_mid) / (truth.tick_bps * 1e-4), truth.half_spread_bps * 1e-4, truth.tick)
    market = _Market(truth, desk, windows.alpha.tolist(), rng, book)
    _run(market, flow, windows.activity[windows.at(ts)] ** policy.response)
    return _tape(truth, seconds, book, desk, flow, rng)


def _run(market: _Market, flow: Flow, scale: FloatArray) -> None:
    """Walk through quotes and market orders in order of time; `scale` is by quote."""
    reaches = np.flatnonzero(flow.depth_bps >= 0)
    when = np.concatenate([market.book.ts, flow.ts[reaches]])
    times, scales, n_quotes = when.tolist(), scale.tolist(), len(scale)
    takers, depths = flow.side[reaches].tolist(), flow.depth_bps[reaches].tolist()
    for k in np.argsort(when, kind="stable").tolist():
        ts = times[k]
        if market.jump_at <= ts:
            market.jumped()
        if k < n_quotes:
            market.quoted(k, ts, scales[k])
        else:
            market.traded(ts, takers[k - n_quotes], depths[k - n_quotes])


@dataclass(slots=True)
class _Book:
    """Quotes around the mid, rounded to the tick: made in blocks ahead of time, and anew from where the mid jumps.

    `levels` is the mid in ticks without jumps, `factor` what the jumps so far multiply it by; `jumps` holds the time of
    each, the quote before it and the factor after it.
    """

    ts: FloatArray
    levels: FloatArray
    half: float
    tick: float
    factor: float = 1.0
    start: int = 0
    bids: list[float] = field(default_factory=list)
    asks: list[float] = field(default_factory=list)
    jumps: list[tuple[float, int, float]] = field(default_factory=list)

    def around(self, mid: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bid and ask, in quote currency, for mids in ticks."""
        bid, ask = np.rint(mid * (1 - self.half)), np.rint(mid * (1 + self.half))
        return bid * self.tick, np.where(ask > bid, ask, bid + 1) * self.tick

    def at(self, k: int) -> tuple[float, float]:
        """Bid and ask of quote k."""
        i = k - self.start
        if i >= len(self.bids):
            bid, ask = self.around(self.levels[k : k + _BLOCK] * self.factor)
            self.start, self.bids, self.asks, i = k, bid.tolist(), ask.tolist(), 0
        return self.bids[i], self.asks[i]

    def jump(self, ts: float, before: int, by: float) -> tuple[float, float]:
        """Let the mid jump after a quote; return the new bid and ask."""
        self.factor *= by
        self.jumps.append((ts, before, self.factor))
        self.bids = []
        bid, ask = self.around(self.levels[before : before + 1] * self.factor)
        return float(bid[0]), float(ask[0])

    def quotes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Time, bid and ask of every quote, those at jumps among them."""
        when, before, factors = (np.array(column) for column in zip((-1.0, -1, 1.0), *self.jumps, strict=True))
        factor = factors[np.searchsorted(before, np.arange(len(self.ts)), side="left") - 1]
        mid = np.append(self.levels[before[1:].astype(np.intp)] * factors[1:], self.levels * factor)
        ts = np.append(when[1:], self.ts)
        order = np.argsort(ts, kind="stable")  # at equal times the jump comes first
        bid, ask = self.around(mid[order])
        return ts[order], bid, ask


@dataclass(slots=True)
class _Market:
    """The market while it is played: the touch, the last quote, and the jump to come; `alpha` is by window."""

    truth: Truth
    desk: Desk
    alpha: list[float]
    rng: np.random.Generator
    book: _Book
    last: int = 0
    bid: float = math.nan
    ask: float = math.nan
    jump_at: float = math.inf
    jump: float = 1.0

    def jumped(self) -> None:
        """Let the jump of the last informed fill happen."""
        self.bid, self.ask = self.book.jump(self.jump_at, self.last, self.jump)
        self.jump_at = math.inf

    def quoted(self, k: int, ts: float, scale: float) -> None:
        """Move the mid to quote k, and let our orders follow."""
        self.last = k
        self.bid, self.ask = self.book.at(k)
        self.desk.quote(ts, self.bid, self.ask, scale)

    def traded(self, ts: float, taker: int, reach_bps: float) -> None:
        """Let a market order through: it fills our order on the other side if it reaches that far."""
        ours = self.desk.sides[0 if taker < 0 else 1]
        if ours.row < 0:
            return
        mid = 0.5 * (self.bid + self.ask)
        if reach_bps >= ours.sign * (mid - ours.price) / mid * 1e4:
            self.desk.filled(ours, ts)
            self._answer(ours, ts, mid)

    def _answer(self, ours: Side, ts: float, mid: float) -> None:
        """Decide whether the fill was informed, and if so when and how far the mid jumps."""
        touch = self.bid if ours.sign > 0 else self.ask
        beyond_bps = max(ours.sign * (touch - ours.price) / mid * 1e4, 0.0)
        alpha = self.alpha[min(int(ts / WINDOW_S), len(self.alpha) - 1)]
        informed = self.rng.uniform() < alpha * math.exp(-beyond_bps / self.truth.alpha_decay_bps)
        size_bps = self.truth.adverse_bps + self.truth.adverse_sd_bps * self.rng.standard_normal()
        if informed:
            self.jump = 1 - ours.sign * size_bps * 1e-4
            self.jump_at = ts + self.rng.uniform(*JUMP_DELAY_S)


def _tape(
    truth: Truth,
    seconds: float,
    shown: _Book,
    desk: Desk,
    flow: Flow,
    rng: np.random.Generator,
) -> Tape:
    ts, bid, ask = shown.quotes()
    bid_sz, ask_sz = rng.integers(1, 40, (2, len(ts))) * truth.lot
    book = pd.DataFrame(dict(zip(QUOTE_COLUMNS, (ts, bid, bid_sz, ask, ask_sz), strict=True)))
    book = book[book["ts"] < seconds].reset_index(drop=True)
    orders = pd.DataFrame(desk.orders, columns=list(ORDER_COLUMNS)).astype({"order_id": "int64", "side": "int64"})
    fills = pd.DataFrame(desk.fills, columns=["ts", "order_id", "side", "price"]).assign(size=truth.lot)
    fills = fills.astype({"ts": float, "order_id": "int64", "side": "int64", "price": float, "size": float})
    return Tape(
        truth.asset, 0.0, float(seconds), book, prints(truth, flow, book, rng), orders,
        fills[list(FILL_COLUMNS)],
        meta=TapeMeta(tick=truth.tick, lot=truth.lot, fee_bps=truth.fee_bps, provenance="synthetic"),
    )  # fmt: skip
