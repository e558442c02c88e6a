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
from mmresearch.sim.flow import WINDOW_S, Flow, Windows, draw_flow, draw_path, draw_windows, prints
from mmresearch.sim.policies import Policy
from mmresearch.sim.truth import PLAIN, Stress, Truth
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS
from mmresearch.tape.mids import FloatArray
from mmresearch.tape.schema import Tape, TapeMeta

JUMP_DELAY_S = (0.02, 0.3)
#: The markout that must stay clean of other fills of ours.
MARKOUT_S = 0.5


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
    market = _Market.of(truth, desk, windows, rng)
    scale = windows.activity[windows.at(ts)] ** policy.response
    _run(market, flow, ts, np.exp(log_mid) / (truth.tick_bps * 1e-4), scale)
    return _tape(truth, seconds, market.quotes, desk, flow, rng)


def _run(market: _Market, flow: Flow, quote_ts: FloatArray, mid_ticks: FloatArray, scale: FloatArray) -> None:
    """Walk through quotes and market orders in order of time."""
    reaches = np.flatnonzero(flow.depth_bps >= 0)
    when = np.concatenate([quote_ts, flow.ts[reaches]])
    times, levels, scales = when.tolist(), mid_ticks.tolist(), scale.tolist()
    takers, depths = flow.side[reaches].tolist(), flow.depth_bps[reaches].tolist()
    n_quotes = len(quote_ts)
    for k in np.argsort(when, kind="stable").tolist():
        ts = times[k]
        if market.jump_at <= ts:
            market.jumped()
        if k < n_quotes:
            market.quoted(ts, levels[k], scales[k])
        else:
            market.traded(ts, takers[k - n_quotes], depths[k - n_quotes])


@dataclass(slots=True)
class _Market:
    """The market while it is played: the mid in ticks, the touch, the jump to come, and the quotes so far.

    `level` is the mid in ticks without jumps, `factor` what the jumps so far multiply it by; `alpha` is by window.
    """

    truth: Truth
    desk: Desk
    alpha: list[float]
    rng: np.random.Generator
    low: float
    high: float
    tick: float
    quotes: list[tuple[float, float, float]] = field(default_factory=list)
    level: float = math.nan
    factor: float = 1.0
    bid: float = math.nan
    ask: float = math.nan
    jump_at: float = math.inf
    jump: float = 1.0

    @staticmethod
    def of(truth: Truth, desk: Desk, windows: Windows, rng: np.random.Generator) -> _Market:
        """Open the market."""
        half = truth.half_spread_bps * 1e-4
        return _Market(truth, desk, windows.alpha.tolist(), rng, 1 - half, 1 + half, truth.tick)

    def show(self, ts: float) -> None:
        """Quote around the mid."""
        mid = self.level * self.factor
        bid, ask = round(mid * self.low), round(mid * self.high)
        self.bid, self.ask = bid * self.tick, (ask if ask > bid else bid + 1) * self.tick
        self.quotes.append((ts, self.bid, self.ask))

    def jumped(self) -> None:
        """Let the jump of the last informed fill happen."""
        self.factor *= self.jump
        self.show(self.jump_at)
        self.jump_at = math.inf

    def quoted(self, ts: float, level: float, scale: float) -> None:
        """Move the mid, quote around it, and let our orders follow."""
        self.level = level
        self.show(ts)
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
    quotes: list[tuple[float, float, float]],
    desk: Desk,
    flow: Flow,
    rng: np.random.Generator,
) -> Tape:
    ts, bid, ask = np.array(quotes).T
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
