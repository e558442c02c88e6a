"""Hyperliquid recordings: CSV files of prices, trades and order books of one coin.

    prices_COIN      timestamp, price, size, side (bid or ask), exchange_timestamp
    trades_COIN      timestamp, price, size, side (buy or sell), trade_id, exchange_timestamp
    orderbooks_COIN  timestamp, sequence, exchange_timestamp, bid_price_0, bid_size_0, ask_price_0, ask_size_0, ...

``timestamp`` is when the recorder received a row; the clock of a tape is ``exchange_timestamp``, in milliseconds.
A subscription that is opened anew sends the last trades again, late and a second time: they are sorted, and dropped by
``trade_id``. Quotes come from the prices, and from the first level of the order books only where there are none, for
those are several times slower.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape.adapters.reading import Reading
from mmresearch.tape.adapters.text import bare_name, beside, first_line, read_csv
from mmresearch.tape.clock import seconds_of
from mmresearch.tape.columns import QUOTE_COLUMNS, TRADE_COLUMNS
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import WORDS, drop, numbers, repair_quotes, repair_trades

_NAME = re.compile(r"(?P<kind>prices|trades|orderbooks)_(?P<coin>.+)")
_CLOCK = "exchange_timestamp"
_BOOK = {"bid_price_0": "bid", "bid_size_0": "bid_sz", "ask_price_0": "ask", "ask_size_0": "ask_sz"}
_BOOK_SIDES = {"bid": 1.0, "ask": -1.0, "b": 1.0, "a": -1.0}
#: Hyperliquid's own letters: B bought, A sold.
_TRADE_SIDES = {**WORDS, "a": -1.0}


def recognise(place: Path) -> bool:
    """Whether the file is one of these recordings, by its name and its header."""
    return _NAME.fullmatch(bare_name(place)) is not None and _CLOCK in first_line(place)


def read_hyperliquid(place: Path) -> Reading:
    """Read the recordings of one coin.

    Parameters
    ----------
    place : Path
        Any of the three files; the others are found beside it.

    Raises
    ------
    TapeError
        If there is neither a file of prices nor of order books, or one cannot be mended.
    """
    named = _NAME.fullmatch(bare_name(place))
    if named is None:
        what = "is not named prices_COIN, trades_COIN or orderbooks_COIN"
        raise TapeError([Fault("file", what, "Keep the recorder's names", file=place.name)])
    coin = named["coin"]
    quotes, account = _quotes(place, coin)
    tables = {"quotes": quotes}
    trades_at = beside(place, f"trades_{coin}")
    if trades_at is None:
        account += Account((f"{place.name}: there is no trades_{coin} beside it; the tape has no trades",))
    else:
        tables["trades"], said = _trades(trades_at)
        account += said
    return Reading(coin, tables, account)


def _quotes(place: Path, coin: str) -> tuple[pd.DataFrame, Account]:
    prices_at, books_at = beside(place, f"prices_{coin}"), beside(place, f"orderbooks_{coin}")
    if prices_at is not None:
        table, account = read_csv(prices_at)
        quotes, said = repair_quotes(_both_sides(table, prices_at.name), prices_at.name)
        return quotes, account + said
    if books_at is None:
        mend = f"Put prices_{coin}.csv or orderbooks_{coin}.csv beside it"
        raise TapeError([Fault("quotes", "there are no quotes", mend, file=place.name)])
    table, account = read_csv(books_at)
    book = numbers(table, (_CLOCK, *_BOOK), "orderbooks", books_at.name).rename(columns=_BOOK)
    said = Account((f"{books_at.name}: quotes are the first level of the order book, there is no prices_{coin}",))
    quotes, more = repair_quotes(book.assign(ts=_seconds(book[_CLOCK]))[list(QUOTE_COLUMNS)], books_at.name)
    return quotes, account + said + more


def _both_sides(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """Make quotes of rows that are one side each: a side holds until it changes.

    The n-th bid and the n-th ask of one time are one quote.
    """
    sided = table.assign(side=_book_side(table, file))
    rows = numbers(sided, (_CLOCK, "price", "size", "side"), "prices", file)
    rows = rows[rows[_CLOCK].notna() & rows["side"].notna()].sort_values(_CLOCK, kind="stable")
    rows = rows.assign(nth=rows.groupby([_CLOCK, "side"]).cumcount(), line=rows.index)
    halves = [rows[rows["side"] == side].set_index([_CLOCK, "nth"]) for side in (1.0, -1.0)]
    bid, ask = (half[["price", "size", "line"]] for half in halves)
    joined = bid.add_suffix("_bid").join(ask.add_suffix("_ask"), how="outer").sort_index()
    line = joined[["line_bid", "line_ask"]].min(axis=1).astype("int64")
    joined = joined.ffill().dropna()
    quotes = pd.DataFrame({
        "ts": _seconds(joined.index.get_level_values(_CLOCK)), "bid": joined["price_bid"], "bid_sz": joined["size_bid"],
        "ask": joined["price_ask"], "ask_sz": joined["size_ask"],
    })  # fmt: skip
    quotes.index = pd.Index(line.loc[joined.index], name=table.index.name)
    return quotes


def _book_side(table: pd.DataFrame, file: str) -> pd.Series:
    """Turn bid and ask into +1 and -1; another word is refused by `numbers`."""
    if "side" not in table:
        numbers(table, ("side",), "prices", file)
    said = table["side"].astype(str).str.strip().str.lower().map(_BOOK_SIDES)
    return table["side"].astype(object).where(said.isna(), said)


def _seconds(clock: pd.Series | pd.Index) -> NDArray[np.float64]:
    """Convert the exchange's clock, in milliseconds or whatever a recorder made of them."""
    return seconds_of(clock.to_numpy(dtype=float))[0]


def _trades(place: Path) -> tuple[pd.DataFrame, Account]:
    table, account = read_csv(place)
    clock = numbers(table, (_CLOCK,), "trades", place.name)[_CLOCK]
    table = table.assign(ts=_seconds(clock))
    lines: list[str] = []
    if "trade_id" in table:
        same = ["trade_id", _CLOCK, *(c for c in TRADE_COLUMNS if c in table and c != "ts")]
        again = table.duplicated(same) & table["trade_id"].notna()
        table, lines = drop(table, again, "trades that were received twice", [])
    trades, said = repair_trades(table, place.name, words=_TRADE_SIDES)
    return trades[list(TRADE_COLUMNS)], account + Account(tuple(f"{place.name}: {x}" for x in lines)) + said
