"""Our own orders through time: when each rests, which fills are events, and the market it met.

An order rests from ``placed`` until it is removed or its fills add up to its size. Partial fills are several rows and
one event: the first. What a slice cannot know about orders of earlier slices (how much is filled, the mid when placed)
is carried in `OwnOrders`, a value, so that slices equal the whole tape.

Units: times in seconds, prices in quote currency, sizes in lots; ``side`` +1 = our bid or buy, -1 = our ask or sale.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.mids import (
    NO_QUOTES,
    FloatArray,
    QuoteArrays,
    float_columns,
    index_before,
    mid_at_or_before,
    pick,
    quote_arrays,
)
from mmresearch.tape.schema import Tape

_FULL = 1.0 - 1e-9  # sizes add up to the order's size within rounding


@dataclass(frozen=True)
class FillEvents:
    """Fill events of one slice, in order of time; partial fills of one order are one event.

    Attributes
    ----------
    ts, side, price : ndarray, shape (n,)
        Time (s), +1 buy or -1 sell, price of the order (of the fill, where the order is not listed).
    order_id : ndarray, shape (n,)
    bid, ask : ndarray, shape (n,)
        Touch just before the fill; NaN where no quote came before.
    quoted_at : ndarray, shape (n,)
        Time of that quote; NaN where there is none.
    placed_mid : ndarray, shape (n,)
        Mid that the order saw when it was placed; NaN if that is not known.
    known : ndarray of bool, shape (n,)
        Whether a listed order was resting: only such fills stand against an exposure.
    placed : ndarray, shape (n,)
        When the order was placed; NaN if it is not listed.
    """

    ts: FloatArray
    side: FloatArray
    price: FloatArray
    order_id: NDArray
    bid: FloatArray
    ask: FloatArray
    quoted_at: FloatArray
    placed_mid: FloatArray
    known: NDArray[np.bool_]
    placed: FloatArray

    @property
    def mid(self) -> FloatArray:
        """Mid just before the fill, in quote currency."""
        return 0.5 * (self.bid + self.ask)


@dataclass(frozen=True)
class Resting:
    """Stretches in which our orders rested, one row per order of the slice.

    Attributes
    ----------
    side, price : ndarray, shape (n,)
    start, end : ndarray, shape (n,)
        Bounds in seconds, inside the slice; an order that did not rest in it has ``end <= start``.
    """

    side: FloatArray
    price: FloatArray
    start: FloatArray
    end: FloatArray


@dataclass(frozen=True)
class OwnOrders:
    """What must be remembered of our orders between slices; `step` returns a new one.

    Attributes
    ----------
    last : QuoteArrays
        Newest quote.
    ids, price, filled, placed_mid, placed : ndarray, shape (n,)
        Orders resting at the end of the slice, by ascending id: price, lots filled so far, mid and time when placed.
    """

    last: QuoteArrays = NO_QUOTES
    ids: NDArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    price: FloatArray = field(default_factory=lambda: np.empty(0))
    filled: FloatArray = field(default_factory=lambda: np.empty(0))
    placed_mid: FloatArray = field(default_factory=lambda: np.empty(0))
    placed: FloatArray = field(default_factory=lambda: np.empty(0))

    def step(self, tape: Tape) -> tuple[OwnOrders, QuoteArrays, Resting, FillEvents]:
        """Take in one slice.

        Parameters
        ----------
        tape : Tape
            The slice that follows the earlier ones. A slice with ``t0 == t1`` changes nothing.

        Returns
        -------
        state : OwnOrders
        quotes : QuoteArrays
            Quotes of the slice, with the one that prevailed before in front.
        resting : Resting
        events : FillEvents
        """
        if not tape.t1 > tape.t0:
            return self, self.last, Resting(*(np.empty(0),) * 4), _no_events()
        quotes = quote_arrays(tape.quotes, self.last)
        book = _Book.of(self, tape, quotes)
        events, filled, exhausted = _match(book, tape, quotes)
        listed = book.listed
        removed = np.fmin(book.removed, tape.t1)  # fmin: NaN means that the order still rests
        resting = Resting(
            book.side[listed],
            book.price[listed],
            np.maximum(book.placed, tape.t0)[listed],
            np.minimum(removed, exhausted)[listed],
        )
        keep = listed & ~(book.removed < tape.t1)
        state = OwnOrders(
            quotes.last(), book.ids[keep], book.price[keep], filled[keep], book.placed_mid[keep], book.placed[keep]
        )
        return state, quotes, resting, events


@dataclass(frozen=True)
class _Book:
    """All orders that a fill of this slice may belong to, by ascending id."""

    ids: NDArray
    side: FloatArray
    price: FloatArray
    size: FloatArray
    placed: FloatArray
    removed: FloatArray
    filled: FloatArray
    placed_mid: FloatArray
    listed: NDArray[np.bool_]

    @staticmethod
    def of(state: OwnOrders, tape: Tape, quotes: QuoteArrays) -> _Book:
        """Join the orders of the slice with the carried ones that it no longer lists (removed exactly at ``t0``)."""
        table = tape.orders
        ids = table["order_id"].to_numpy()
        row = _find(state.ids, ids)
        carried = row >= 0
        side, price, size, placed, removed = float_columns(table, "side", "price", "size", "placed", "removed")
        placed_mid = mid_at_or_before(quotes, placed)
        filled = np.zeros(len(ids))
        placed_mid[carried] = state.placed_mid[row[carried]]
        filled[carried] = state.filled[row[carried]]
        gone = np.ones(len(state.ids), dtype=bool)
        gone[row[carried]] = False
        count = int(gone.sum())

        def joined(ours: NDArray, theirs: NDArray) -> NDArray:
            return np.concatenate([ours, theirs]) if count else ours

        all_ids = joined(ids, state.ids[gone])
        order = np.argsort(all_ids, kind="stable")
        return _Book(
            ids=all_ids[order],
            side=joined(side, np.zeros(count))[order],
            price=joined(price, state.price[gone])[order],
            size=joined(size, np.full(count, np.inf))[order],
            placed=joined(placed, state.placed[gone])[order],
            removed=joined(removed, np.full(count, tape.t0))[order],
            filled=joined(filled, state.filled[gone])[order],
            placed_mid=joined(placed_mid, state.placed_mid[gone])[order],
            listed=joined(np.ones(len(ids), dtype=bool), np.zeros(count, dtype=bool))[order],
        )


def _match(book: _Book, tape: Tape, quotes: QuoteArrays) -> tuple[FillEvents, FloatArray, FloatArray]:
    """Assign fills to orders; return the events, the lots filled per order, and when each was exhausted."""
    exhausted = np.where(book.filled >= book.size * _FULL, -np.inf, np.inf)
    filled = book.filled.copy()
    table = tape.fills
    if not len(table):
        return _no_events(), filled, exhausted
    all_ids = table["order_id"].to_numpy()
    by_id = np.argsort(all_ids, kind="stable")
    ids = all_ids[by_id]
    ts, size = (column[by_id] for column in float_columns(table, "ts", "size"))
    row = _find(book.ids, ids)
    rests = row >= 0
    hit = row[rests]
    rests[rests] = (book.placed[hit] <= ts[rests]) & ~(ts[rests] > book.removed[hit])
    new_id = np.append(True, ids[1:] != ids[:-1])
    before = np.zeros(len(ids))
    before[rests] = book.filled[row[rests]]
    lots = before + _within(np.where(rests, size, 0.0), new_id)
    # A fill while the order rests is an event if it is the first of its order; any other, if it is first of (ts, id).
    ordinal = _within(rests.astype(np.float64), new_id)
    new_moment = new_id | np.append(True, ts[1:] != ts[:-1])
    event = np.where(rests, (ordinal == 1) & (before == 0), new_moment)
    np.maximum.at(filled, row[rests], lots[rests])
    full = np.flatnonzero(rests)
    full = full[lots[full] >= book.size[row[full]] * _FULL]
    np.minimum.at(exhausted, row[full], ts[full])
    return _events(tape, quotes, book, by_id[event], np.where(rests, row, -1)[event]), filled, exhausted


def _events(tape: Tape, quotes: QuoteArrays, book: _Book, fill: NDArray, row: NDArray) -> FillEvents:
    """Look up the market and the order of each event: `fill` its row of the fills, `row` its order or -1."""
    in_time = np.argsort(fill, kind="stable")
    fill, row = fill[in_time], row[in_time]
    ts, side, price = (column[fill] for column in float_columns(tape.fills, "ts", "side", "price"))
    known = row >= 0
    placed_mid, placed = np.full(len(ts), np.nan), np.full(len(ts), np.nan)
    price = price.copy()
    price[known], placed_mid[known], placed[known] = (
        column[row[known]] for column in (book.price, book.placed_mid, book.placed)
    )
    at = index_before(quotes, ts)
    bid, ask, quoted_at = (pick(c, at) for c in (quotes.bid, quotes.ask, quotes.ts))
    ids = tape.fills["order_id"].to_numpy()[fill]
    return FillEvents(ts, side, price, ids, bid, ask, quoted_at, placed_mid, known, placed)


def _no_events() -> FillEvents:
    none = np.empty(0)
    return FillEvents(
        none, none, none, np.empty(0, dtype=np.int64), none, none, none, none, np.empty(0, dtype=bool), none
    )


def _within(values: FloatArray, starts: NDArray[np.bool_]) -> FloatArray:
    """Cumulative sum that begins anew where `starts` is true, each group added up from its own first element."""
    total = values.copy()
    first = np.flatnonzero(starts)
    length = np.diff(np.append(first, len(values)))
    place = 1
    while (more := first[length > place]).size:
        total[more + place] += total[more + place - 1]
        place += 1
    return total


def _find(sorted_ids: NDArray, ids: NDArray) -> NDArray[np.intp]:
    """Row of each id among the sorted ones, -1 where it is absent."""
    if not len(sorted_ids):
        return np.full(len(ids), -1, dtype=np.intp)
    row = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.where(sorted_ids[row] == ids, row, -1)
