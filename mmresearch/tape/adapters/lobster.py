"""LOBSTER: a message file and an order-book file, row by row one event and the book after it.

    TICKER_DATE_START_END_message_LEVELS.csv[.gz]     time, type, order id, size, price, direction
    TICKER_DATE_START_END_orderbook_LEVELS.csv[.gz]   ask price, ask size, bid price, bid size, and so on by level

Prices are dollars times 10000, times seconds after midnight. Types: 1 new order, 2 partial and 3 full cancellation,
4 execution of a displayed order, 5 of a hidden one, 6 cross trade of an auction, 7 halt (price -1: halted, 0: quoting
resumes, 1: trading resumes). ``direction`` is the side of the order that rested, so the aggressor's is its negative.

A quote is kept where the top of the book changed, or where something was executed, which confirms the book it met.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters.reading import Reading
from mmresearch.tape.adapters.text import bare_name, beside, read_csv
from mmresearch.tape.clock import where
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import numbers, repair_quotes, repair_trades
from mmresearch.tape.schema import TapeMeta

_NAME = re.compile(
    r"(?P<asset>.+?)_(?P<day>\d{4}-\d{2}-\d{2})_(?P<span>\d+_\d+)_(?P<kind>message|orderbook)_(?P<levels>\d+)"
)
MESSAGE = ("time", "type", "order_id", "size", "price", "direction")
BOOK = ("ask", "ask_sz", "bid", "bid_sz")
_PRICE_UNIT = 1e4
_DISPLAYED, _HIDDEN, _CROSS, _HALT = 4, 5, 6, 7
_HALTED, _TRADING = -1, 1
#: An empty side of the book has the price +-9999999999.
_NO_PRICE = 9999999999
_LAST_SECOND = 86400.0


def recognise(place: Path) -> bool:
    """Whether the name is that of a LOBSTER message or order-book file."""
    return _NAME.fullmatch(bare_name(place)) is not None


def read_lobster(place: Path) -> Reading:
    """Read a pair of LOBSTER files.

    Parameters
    ----------
    place : Path
        Either file of the pair; the other is found beside it, packed or not.

    Raises
    ------
    TapeError
        If the other file is missing, or the two do not belong together.
    """
    named = _NAME.fullmatch(bare_name(place))
    if named is None:
        raise TapeError([Fault("file", "is not named like a LOBSTER file", "Keep the vendor's names", file=place.name)])
    message_at, book_at = (_partner(place, named, kind) for kind in ("message", "orderbook"))
    message, said = read_csv(message_at, MESSAGE)
    book, more = read_csv(book_at, BOOK)
    account = said + more
    message, book, said = _pair(message, book, message_at.name, book_at.name)
    events = numbers(message, MESSAGE, "message", message_at.name)
    _refuse_times(events, message_at.name)
    account += said + _left_out(events, message_at.name)
    halted, closed = _halts(events)
    quotes, said = _quotes(events, numbers(book, BOOK, "orderbook", book_at.name), halted, book_at.name)
    trades, more = _trades(events[~halted], message_at.name)
    if halted.any():
        more += Account((f"{message_at.name}: {len(closed)} trading halts; left out what lies within them",))
    tables = {"quotes": quotes, "trades": trades}
    return Reading(named["asset"], tables, account + said + more, TapeMeta(tick=0.01), closed)


def _partner(place: Path, named: re.Match[str], kind: str) -> Path:
    """Find the file of a kind; the levels in its name may differ where only one fits."""
    stem = f"{named['asset']}_{named['day']}_{named['span']}_{kind}"
    found = place if named["kind"] == kind else beside(place, f"{stem}_{named['levels']}")
    if found is None:
        mend = f"Put {stem}_{named['levels']}.csv beside it"
        raise TapeError([Fault(kind, "the other file of the pair is missing", mend, file=place.name)])
    return found


def _pair(
    message: pd.DataFrame, book: pd.DataFrame, message_name: str, book_name: str
) -> tuple[pd.DataFrame, pd.DataFrame, Account]:
    """Hold the two files against each other, row by row; a file that ends early cuts the other."""
    both = message.index.intersection(book.index)
    account = Account()
    lost = len(message) + len(book) - 2 * len(both)
    if lost > 0.5 * max(len(message), len(book)):
        what = f"has {len(book)} rows, but {message_name} has {len(message)}"
        mend = "Give the two files of one download: they have a row for each event"
        raise TapeError([Fault("orderbook", what, mend, file=book_name)])
    if lost:
        account = Account((f"{book_name}: read the {len(both)} rows that {message_name} has as well",))
    return message.loc[both], book.loc[both], account


def _refuse_times(events: pd.DataFrame, file: str) -> None:
    wrong = np.flatnonzero(~events["time"].between(0.0, _LAST_SECOND) & events["time"].notna())
    if wrong.size:
        row = int(wrong[0])
        what = f"{events['time'].iloc[row]:.15g} is not a time in seconds after midnight"
        mend = "Mend or delete the row, in both files"
        raise TapeError([Fault("message", what, mend, column="time", file=file, **where(events, row))])


def _left_out(events: pd.DataFrame, file: str) -> Account:
    """Say what is no trade in a continuous market."""
    crosses = int((events["type"] == _CROSS).sum())
    strange = int((~events["type"].isin(range(1, 8))).sum())
    lines = [f"{file}: left out {crosses} cross trades of auctions"] if crosses else []
    lines += [f"{file}: left out {strange} messages of unknown type"] if strange else []
    return Account(tuple(lines))


def _halts(events: pd.DataFrame) -> tuple[np.ndarray, tuple[tuple[float, float], ...]]:
    """Return which messages lie within a halt, and the halts from stop to trading."""
    time, code = events["time"].to_numpy(), events["price"].to_numpy()
    halts = events["type"].to_numpy() == _HALT
    stretches, start = [], None
    for row in np.flatnonzero(halts & np.isfinite(time)):
        if code[row] == _HALTED and start is None:
            start = float(time[row])
        elif code[row] == _TRADING and start is not None:
            stretches.append((start, float(time[row])))
            start = None
    if start is not None:
        stretches.append((start, float(np.nanmax(time))))
    within = halts.copy()
    for start, end in stretches:
        within |= (time > start) & (time < end)
    return within, tuple(stretches)


def _quotes(events: pd.DataFrame, book: pd.DataFrame, halted: np.ndarray, file: str) -> tuple[pd.DataFrame, Account]:
    one_sided = (book["ask"].abs() >= _NO_PRICE) | (book["bid"].abs() >= _NO_PRICE)
    top = book.assign(ts=events["time"], ask=book["ask"] / _PRICE_UNIT, bid=book["bid"] / _PRICE_UNIT)
    moved = (top[list(BOOK)] != top[list(BOOK)].shift()).any(axis=1)
    executed = events["type"].isin((_DISPLAYED, _HIDDEN))
    kept = top[(moved | executed) & ~one_sided & ~halted]
    account = Account()
    if one_sided.any():
        account = Account((f"{file}: left out {int(one_sided.sum())} rows with an empty side of the book",))
    quotes, said = repair_quotes(kept[(kept != kept.shift()).any(axis=1)], file)
    return quotes, account + said


def _trades(events: pd.DataFrame, file: str) -> tuple[pd.DataFrame, Account]:
    done = events[events["type"].isin((_DISPLAYED, _HIDDEN))]
    table = pd.DataFrame({
        "ts": done["time"], "price": done["price"] / _PRICE_UNIT, "size": done["size"], "side": -done["direction"],
        "hidden": done["type"] == _HIDDEN,
    })  # fmt: skip
    return repair_trades(table, file)
