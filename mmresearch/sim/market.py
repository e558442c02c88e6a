"""One asset, event by event: a mid, other people's market orders, and our resting orders among them.

Market orders of each side arrive as a Poisson process of rate A. Each reaches a depth D ~ Exp(kappa) from the mid. Our
order at depth d (from the quoted mid just before; below zero counts as zero) is filled if and only if D >= d, so that

    fills at depth d ~ Poisson process of rate A e^{-kappa d},   exactly, for any policy.

An order with D below the half-spread stops at the touch; extra touch-only orders print there and never reach us, who
stand behind a queue. The mid is S0 exp(B + jumps): B moves at quote times with variance sigma^2 per second, and after a
fill of ours that is informed the mid jumps against us within 300 ms. Quotes are the mid -+ half-spread, rounded to the
tick. After a fill nothing of ours rests for the policy's pause, so no second fill disturbs a 500 ms markout.

Units: seconds, bps of mid, kappa per fraction of price, A per second and side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.sim.policies import Policy
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS, TRADE_COLUMNS
from mmresearch.tape.schema import Tape, TapeMeta

JUMP_DELAY_S = (0.02, 0.3)
ACTIVITY_WINDOW_S = 300.0


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
        Deeper fills are informed with probability alpha e^{-(d - h)/decay}; infinite for the same at all depths.
    sigma_bps_per_sqrt_s : float
        Volatility of the mid without jumps.
    half_spread_bps, tick_bps, price : float
        Half-spread and tick in bps of the starting price, and that price.
    touch_only_per_s : float
        Rate, per side, of market orders that stop at the touch whatever happens.
    fee_bps, lot : float
        Maker fee; size of an order.
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

    @property
    def spread_floor_bps(self) -> float:
        """Fee plus expected adverse move 500 ms after a fill at the touch."""
        return self.fee_bps + self.alpha_touch * self.adverse_bps

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
        Intra-class correlation of informed fills within windows of 300 s.
    kappa_wander : float
        Sd of log kappa between windows.
    heavy_tails : bool
        Increments of the mid are Student-t with 3 degrees of freedom.
    activity : float
        Sd of log activity between windows: volatility is multiplied by it, A by its square.
    """

    icc: float = 0.0
    kappa_wander: float = 0.0
    heavy_tails: bool = False
    activity: float = 0.0


PLAIN = Stress()


@dataclass(frozen=True)
class _Windows:
    """Values that hold for 300 s each."""

    activity: NDArray[np.float64]
    kappa_per_bp: NDArray[np.float64]
    alpha: NDArray[np.float64]

    def at(self, ts: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.minimum((ts / ACTIVITY_WINDOW_S).astype(np.intp), self.activity.size - 1)


def _windows(truth: Truth, seconds: float, stress: Stress, rng: np.random.Generator) -> _Windows:
    n = max(1, math.ceil(seconds / ACTIVITY_WINDOW_S))
    a, k = rng.standard_normal((2, n))
    alpha = np.full(n, truth.alpha_touch)
    if stress.icc > 0:
        strength = 1 / stress.icc - 1
        alpha = rng.beta(truth.alpha_touch * strength, (1 - truth.alpha_touch) * strength, n)
    return _Windows(np.exp(stress.activity * a), truth.kappa * 1e-4 * np.exp(stress.kappa_wander * k), alpha)


@dataclass(frozen=True)
class _Flow:
    """Market orders of both sides, in order of time: aggressor side, depth reached (0 for touch-only)."""

    ts: NDArray[np.float64]
    side: NDArray[np.int64]
    depth_bps: NDArray[np.float64]


def _flow(truth: Truth, seconds: float, windows: _Windows, rng: np.random.Generator) -> _Flow:
    parts = []
    peak = truth.A * float(windows.activity.max()) ** 2
    for side in (1, -1):
        ts = np.sort(rng.uniform(0, seconds, rng.poisson(peak * seconds)))
        kept = rng.uniform(size=ts.size) * windows.activity.max() ** 2 < windows.activity[windows.at(ts)] ** 2
        ts = ts[kept]
        depth = rng.exponential(size=ts.size) / windows.kappa_per_bp[windows.at(ts)]
        stop = np.sort(rng.uniform(0, seconds, rng.poisson(truth.touch_only_per_s * seconds)))
        parts.append(
            (np.append(ts, stop), np.full(ts.size + stop.size, side), np.append(depth, np.full(stop.size, -1.0)))
        )
    ts, sides, depth = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ts, kind="stable")
    return _Flow(ts[order], sides[order], depth[order])


def _path(
    truth: Truth, seconds: float, quote_s: float, windows: _Windows, stress: Stress, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quote times, and the log mid there without jumps."""
    n = max(2, int(seconds / quote_s))
    ts = (np.arange(n) + rng.uniform(0.1, 0.9, n)) * quote_s
    ts[0] = 0.0
    z = rng.standard_t(3, n) / math.sqrt(3) if stress.heavy_tails else rng.standard_normal(n)
    sd = truth.sigma_bps_per_sqrt_s * 1e-4 * np.sqrt(np.diff(ts, prepend=0.0)) * windows.activity[windows.at(ts)]
    return ts, np.cumsum(sd * z)


@dataclass
class _Side:
    """Our order on one side of the book while the world is played."""

    sign: int
    depths: list[float]
    lives: list[float]
    drawn: int = 0
    row: int = -1
    price: float = 0.0
    pegged: bool = False
    until: float = 0.0


@dataclass
class _Desk:
    """What happens to us: every order and fill, the jumps that fills cause, the quotes that follow."""

    truth: Truth
    pause_s: float
    pegged: bool
    sides: tuple[_Side, _Side]
    orders: list[list[float]] = field(default_factory=list)
    fills: list[tuple[float, int, int, float]] = field(default_factory=list)
    resume: float = 0.0

    def place(self, side: _Side, ts: float, bid: float, ask: float, activity: float) -> None:
        """Put the planned order of a side into the book; redraw it if its time is up."""
        if side.row < 0 or ts >= side.until:
            side.drawn = (side.drawn + 1) % len(side.depths)
            side.until = ts + side.lives[side.drawn]
            side.pegged = self.pegged and math.isnan(side.depths[side.drawn])
            price = self._price(side, bid, ask, activity)
        elif side.pegged and side.price != (bid if side.sign > 0 else ask):
            price = bid if side.sign > 0 else ask
        else:
            return
        if side.row >= 0:
            self.orders[side.row][5] = ts
        side.row, side.price = len(self.orders), price
        self.orders.append([side.row, side.sign, price, self.truth.lot, ts, math.nan])

    def _price(self, side: _Side, bid: float, ask: float, activity: float) -> float:
        touch = bid if side.sign > 0 else ask
        if math.isnan(side.depths[side.drawn]):
            return touch
        tick, mid = self.truth.tick, 0.5 * (bid + ask)
        wanted = mid * (1 - side.sign * side.depths[side.drawn] * activity * 1e-4)
        price = round(wanted / tick) * tick
        return min(price, touch) if side.sign > 0 else max(price, touch)

    def filled(self, side: _Side, ts: float) -> None:
        """Book the fill, pull both orders, pause."""
        self.fills.append((ts, side.row, side.sign, side.price))
        for each in self.sides:
            if each.row >= 0:
                self.orders[each.row][5] = ts
                each.row = -1
        self.resume = ts + self.pause_s


def play(
    truth: Truth, seconds: float, policy: Policy, seed: int, stress: Stress = PLAIN, quote_s: float = 0.25
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
    seed : int
        Equal seeds give equal tapes.
    stress : Stress
        Departures from the plain assumptions.
    quote_s : float
        Mean time between quotes.

    Returns
    -------
    Tape
        Provenance "synthetic", ``t0`` = 0.
    """
    rng = np.random.default_rng(seed)
    windows = _windows(truth, seconds, stress, rng)
    flow = _flow(truth, seconds, windows, rng)
    ts, log_mid = _path(truth, seconds, quote_s, windows, stress, rng)
    n = int(seconds / 0.5) + 8
    plans = [policy.plan(rng, n) for _ in range(2)]
    sides = tuple(_Side(s, p.depth_bps.tolist(), p.seconds.tolist()) for s, p in zip((1, -1), plans, strict=True))
    desk = _Desk(truth, policy.pause_s, policy.pegged, sides)  # type: ignore[arg-type]
    activity = windows.activity[windows.at(ts)] ** policy.response
    quotes = _run(truth, desk, flow, ts, log_mid, activity, windows, rng)
    return _tape(truth, seconds, quotes, desk, flow, rng)


def _run(
    truth: Truth,
    desk: _Desk,
    flow: _Flow,
    quote_ts: NDArray[np.float64],
    log_mid: NDArray[np.float64],
    activity: NDArray[np.float64],
    windows: _Windows,
    rng: np.random.Generator,
) -> list[tuple[float, float, float]]:
    """Walk through quotes and market orders in order of time; return the quotes as (ts, bid, ask)."""
    reaches = np.flatnonzero(flow.depth_bps >= 0)
    when = np.concatenate([quote_ts, flow.ts[reaches]])
    order = np.argsort(when, kind="stable").tolist()
    times, levels, paces = when.tolist(), log_mid.tolist(), activity.tolist()
    sides, depths = flow.side[reaches].tolist(), flow.depth_bps[reaches].tolist()
    n_quotes, base, tick = len(levels), truth.price, truth.tick
    low, high = (1 - truth.half_spread_bps * 1e-4) / tick, (1 + truth.half_spread_bps * 1e-4) / tick
    bid_side, ask_side = desk.sides
    quotes: list[tuple[float, float, float]] = []
    shift, level, jump_at, jump = 0.0, 0.0, math.inf, 0.0
    bid = ask = 0.0
    for k in order:
        ts = times[k]
        if jump_at <= ts:
            shift += jump
            bid, ask = _touch(base * math.exp(level + shift), low, high, tick)
            quotes.append((jump_at, bid, ask))
            jump_at = math.inf
        if k < n_quotes:
            level = levels[k]
            bid, ask = _touch(base * math.exp(level + shift), low, high, tick)
            quotes.append((ts, bid, ask))
            if ts >= desk.resume:
                desk.place(bid_side, ts, bid, ask, paces[k])
                desk.place(ask_side, ts, bid, ask, paces[k])
            continue
        ours = bid_side if sides[k - n_quotes] < 0 else ask_side
        if ours.row < 0:
            continue
        mid = 0.5 * (bid + ask)
        depth = ours.sign * (mid - ours.price) / mid * 1e4
        if depths[k - n_quotes] >= depth:
            desk.filled(ours, ts)
            jump = _jump(
                truth,
                ours.sign,
                depth,
                float(windows.alpha[min(int(ts / ACTIVITY_WINDOW_S), windows.alpha.size - 1)]),
                rng,
            )
            if jump:
                jump_at = ts + rng.uniform(*JUMP_DELAY_S)
    return quotes


def _touch(mid: float, low: float, high: float, tick: float) -> tuple[float, float]:
    bid, ask = round(mid * low), round(mid * high)
    return bid * tick, (ask if ask > bid else bid + 1) * tick


def _jump(truth: Truth, sign: int, depth_bps: float, alpha: float, rng: np.random.Generator) -> float:
    """Log jump of the mid after a fill: zero if it is not informed."""
    beyond = max(depth_bps - truth.half_spread_bps, 0.0)
    informed = rng.uniform() < alpha * math.exp(-beyond / truth.alpha_decay_bps)
    size = truth.adverse_bps + truth.adverse_sd_bps * rng.standard_normal()
    return math.log1p(-sign * size * 1e-4) if informed else 0.0


def _tape(
    truth: Truth,
    seconds: float,
    quotes: list[tuple[float, float, float]],
    desk: _Desk,
    flow: _Flow,
    rng: np.random.Generator,
) -> Tape:
    book = pd.DataFrame(quotes, columns=["ts", "bid", "ask"])
    sizes = rng.integers(1, 40, (2, len(book))) * truth.lot
    book = book.assign(bid_sz=sizes[0], ask_sz=sizes[1])[list(QUOTE_COLUMNS)]
    book = book[book["ts"] < seconds].reset_index(drop=True)
    orders = pd.DataFrame(desk.orders, columns=list(ORDER_COLUMNS)).astype({"order_id": "int64", "side": "int64"})
    fills = pd.DataFrame(desk.fills, columns=["ts", "order_id", "side", "price"]).assign(size=truth.lot)
    fills = fills.astype({"ts": float, "order_id": "int64", "side": "int64", "price": float, "size": float})
    return Tape(
        truth.asset, 0.0, float(seconds), book, _prints(truth, flow, book, rng), orders,
        fills[list(FILL_COLUMNS)],
        meta=TapeMeta(tick=truth.tick, lot=truth.lot, fee_bps=truth.fee_bps, provenance="synthetic"),
    )  # fmt: skip


def _prints(truth: Truth, flow: _Flow, book: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Other people's prints: one at the touch for every market order, a second where it walked to."""
    at = np.searchsorted(book["ts"].to_numpy(), flow.ts, side="left") - 1
    seen = at >= 0
    at, ts, side, depth = at[seen], flow.ts[seen], flow.side[seen], flow.depth_bps[seen]
    bid, ask = book["bid"].to_numpy()[at], book["ask"].to_numpy()[at]
    touch, mid = np.where(side > 0, ask, bid), 0.5 * (bid + ask)
    beyond = depth * 1e-4 * mid - np.abs(touch - mid)
    ticks = np.ceil(beyond / truth.tick)
    walks = beyond > 0
    far = touch + side * np.where(walks, ticks, 0) * truth.tick
    first = pd.DataFrame({"ts": ts, "price": touch, "size": rng.integers(1, 6, ts.size) * truth.lot, "side": side})
    second = first[walks].assign(price=far[walks])
    prints = pd.concat([first, second]).sort_index(kind="stable").reset_index(drop=True)
    return prints[list(TRADE_COLUMNS)].astype({"size": float, "side": "int64"})


def with_values(truth: Truth, **values: float) -> Truth:
    """Return the truth with some values replaced.

    Raises
    ------
    ValueError
        If a name is not one of a truth's.
    """
    unknown = set(values) - set(truth.__dataclass_fields__)
    if unknown:
        raise ValueError(f"a truth has no {', '.join(sorted(unknown))}; it has {', '.join(truth.__dataclass_fields__)}")
    return replace(truth, **values)  # type: ignore[arg-type]
