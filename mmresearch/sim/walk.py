"""The walk through a world: quotes and market orders in order of time, our two orders among them; compiled by numba.

All that changes on the way is in two records, `BOOK` and `SIDE`. Everything that calls each other is in this one file,
because numba keeps a compiled function until the file of that very function changes.

Units: seconds, bps of mid, prices in quote currency; index 0 is our bid, 1 our ask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mmresearch.tape.mids import FloatArray

NO_ORDER = -1
PLACED, REMOVED = 2, 3
#: How long after an informed fill the mid jumps.
JUMP_DELAY_S = (0.02, 0.3)

#: The touch, the last quote, what the jumps so far multiply the mid by, the jump to come, and rows written so far.
BOOK = np.dtype(
    [
        ("bid", "f8"), ("ask", "f8"), ("last", "i8"), ("factor", "f8"), ("jump_at", "f8"), ("jump", "f8"),
        ("resume", "f8"), ("orders", "i8"), ("fills", "i8"), ("jumps", "i8"),
    ],
    align=True,
)  # fmt: skip
#: Our order on one side: its sign, which of the plan it is, its row among the orders, and until when it is kept.
SIDE = np.dtype(
    [("sign", "f8"), ("drawn", "i8"), ("row", "i8"), ("price", "f8"), ("until", "f8"), ("pegged", "i8")], align=True
)


class Given(NamedTuple):
    """What stands still while a world is played.

    Attributes
    ----------
    tick : float
        Tick (quote currency).
    pause_s : float
        How long nothing of ours rests after a fill.
    pegged : bool
        Whether orders at the touch move with it.
    adverse_bps, adverse_sd_bps, decay_bps : float
        Mean and sd of an informed jump; decay of the chance of one with the distance beyond the touch.
    window_s : float
        For how long each alpha holds.
    alpha, jump_ratio, jump_shift_bps : ndarray, shape (W,)
        By window: probability that a touch fill is informed, by what its jump is multiplied, how far its mean is off.
    ts, ticks, half, scale : ndarray, shape (Q,)
        Quotes: time, mid without jumps in ticks, half-spread (fraction of price), by what our depths are multiplied.
    when, taker, reach_bps : ndarray, shape (M,)
        Market orders: time, side, depth reached.
    depths, lives : ndarray, shape (2, n)
        Our plans: depth in bps (NaN at the touch), seconds.
    """

    tick: float
    pause_s: float
    pegged: bool
    adverse_bps: float
    adverse_sd_bps: float
    decay_bps: float
    window_s: float
    alpha: FloatArray
    jump_ratio: FloatArray
    jump_shift_bps: FloatArray
    ts: FloatArray
    ticks: FloatArray
    half: FloatArray
    scale: FloatArray
    when: FloatArray
    taker: NDArray[np.int64]
    reach_bps: FloatArray
    depths: FloatArray
    lives: FloatArray


class Written(NamedTuple):
    """What the walk writes down.

    Attributes
    ----------
    orders : ndarray, shape (N, 4)
        Side, price, placed, removed (NaN while it rests); the row is the order's id.
    fills : ndarray, shape (F, 2)
        Time, row of the order.
    jumps : ndarray, shape (J, 3)
        Time, quote before it, factor of the mid after it.
    """

    orders: FloatArray
    fills: FloatArray
    jumps: FloatArray


def walk(given: Given, rng: np.random.Generator) -> Written:
    """Play quotes and market orders, one after the other; at equal times the quote comes first."""
    quotes, takers = len(given.ts), len(given.when)
    pages = Written(np.empty((2 * quotes + 2, 4)), np.empty((takers, 2)), np.empty((takers, 3)))
    book, sides = np.zeros(1, BOOK), np.zeros(2, SIDE)
    book["jump_at"], book["factor"] = np.inf, 1.0
    sides["sign"], sides["row"] = (1.0, -1.0), NO_ORDER
    _walk(given, book[0], sides, pages, rng)
    rows = (int(book[0][name]) for name in ("orders", "fills", "jumps"))
    return Written(*(page[:n] for page, n in zip(pages, rows, strict=True)))


def around(tick: float, half: FloatArray, ticks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bid and ask, in quote currency, for mids in ticks; one tick apart or more."""
    return _around(tick, half, ticks)


@njit(cache=True)
def _around(tick, half, ticks):
    bid = np.rint(ticks * (1 - half))
    ask = np.rint(ticks * (1 + half))
    return bid * tick, np.maximum(ask, bid + 1) * tick


@njit(cache=True)
def _jump(given, book, pages):
    """Let the jump of the last informed fill happen."""
    book.factor *= book.jump
    pages.jumps[book.jumps, 0] = book.jump_at
    pages.jumps[book.jumps, 1] = book.last
    pages.jumps[book.jumps, 2] = book.factor
    book.jumps += 1
    book.bid, book.ask = _around(given.tick, given.half[book.last], given.ticks[book.last] * book.factor)
    book.jump_at = np.inf


@njit(cache=True)
def _place(book, side, pages, ts, price):
    """Replace our order on a side."""
    if side.row >= 0:
        pages.orders[side.row, REMOVED] = ts
    side.row = book.orders
    side.price = price
    pages.orders[side.row, 0] = side.sign
    pages.orders[side.row, 1] = price
    pages.orders[side.row, PLACED] = ts
    pages.orders[side.row, REMOVED] = np.nan
    book.orders += 1


@njit(cache=True)
def _price(given, book, side, touch, depth_bps, scale):
    """Price of a new order: at its depth from the mid, on the tick, never better than the touch."""
    if np.isnan(depth_bps):
        return touch
    mid = 0.5 * (book.bid + book.ask)
    price = np.rint(mid * (1 - side.sign * depth_bps * scale * 1e-4) / given.tick) * given.tick
    return min(price, touch) if side.sign > 0 else max(price, touch)


@njit(cache=True)
def _quoted(given, book, sides, pages, k):
    """Move the mid to quote k, and bring our orders up to date unless we pause."""
    ts = given.ts[k]
    book.last = k
    book.bid, book.ask = _around(given.tick, given.half[k], given.ticks[k] * book.factor)
    if ts < book.resume:
        return
    for i in range(2):
        side, touch = sides[i], (book.bid if i == 0 else book.ask)
        if side.row < 0 or ts >= side.until:
            side.drawn = (side.drawn + 1) % given.depths.shape[1]
            depth_bps = given.depths[i, side.drawn]
            side.until = ts + given.lives[i, side.drawn]
            side.pegged = given.pegged and np.isnan(depth_bps)
            _place(book, side, pages, ts, _price(given, book, side, touch, depth_bps, given.scale[k]))
        elif side.pegged and side.price != touch:
            _place(book, side, pages, ts, touch)


@njit(cache=True)
def _traded(given, book, sides, pages, j, rng):
    """Let a market order through: it fills our order on the other side if it reaches that far."""
    side = sides[0 if given.taker[j] < 0 else 1]
    mid = 0.5 * (book.bid + book.ask)
    if side.row < 0 or given.reach_bps[j] < side.sign * (mid - side.price) / mid * 1e4:
        return
    ts, sign, price = given.when[j], side.sign, side.price
    pages.fills[book.fills, 0] = ts
    pages.fills[book.fills, 1] = side.row
    book.fills += 1
    for i in range(2):
        if sides[i].row >= 0:
            pages.orders[sides[i].row, REMOVED] = ts
            sides[i].row = NO_ORDER
    book.resume = ts + given.pause_s
    _answer(given, book, ts, sign, price, rng)


@njit(cache=True)
def _answer(given, book, ts, sign, price, rng):
    """Decide whether a fill was informed, and if so when and how far the mid jumps."""
    touch = book.bid if sign > 0 else book.ask
    mid = 0.5 * (book.bid + book.ask)
    beyond_bps = max(sign * (touch - price) / mid * 1e4, 0.0)
    window = min(int(ts / given.window_s), given.alpha.size - 1)
    informed = rng.random() < given.alpha[window] * np.exp(-beyond_bps / given.decay_bps)
    size_bps = given.adverse_bps + given.jump_shift_bps[window] + given.adverse_sd_bps * rng.standard_normal()
    if informed:
        book.jump = 1 - sign * size_bps * given.jump_ratio[window] * 1e-4
        book.jump_at = ts + rng.uniform(JUMP_DELAY_S[0], JUMP_DELAY_S[1])


@njit(cache=True)
def _walk(given, book, sides, pages, rng):
    quotes, takers = given.ts.size, given.when.size
    k = j = 0
    while k < quotes or j < takers:
        quote_next = k < quotes and (j == takers or given.ts[k] <= given.when[j])
        if book.jump_at <= (given.ts[k] if quote_next else given.when[j]):
            _jump(given, book, pages)
        if quote_next:
            _quoted(given, book, sides, pages, k)
            k += 1
        else:
            _traded(given, book, sides, pages, j, rng)
            j += 1
