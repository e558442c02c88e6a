"""Mend what can be mended, say what was dropped, refuse the rest.

Mended: rows out of order (stable sort); a quote that repeats the row before it identically (two equal prints at one
time are two trades); numbers that are missing, infinite, zero or negative; crossed or locked quotes; Unix times in ms,
us or ns; sides in words. Refused: a missing column, text in a number's cell, a side that is no side, a time a month
away from all others, an empty table of quotes, and a table of which more than half would have to go.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape.clock import LINE, refuse_jumps, refuse_sparse, seconds_of, where
from mmresearch.tape.columns import QUOTE_COLUMNS, TRADE_COLUMNS
from mmresearch.tape.faults import Account, Fault, TapeError

MOST_DROPPED = 0.5
#: Words for the side of an aggressor, or of an own order, that cannot be misread.
WORDS = {"buy": 1.0, "sell": -1.0, "b": 1.0, "s": -1.0}
_MOST_FAULTS = 100
_LINES_SHOWN = 3


def numbers(table: pd.DataFrame, columns: tuple[str, ...], name: str, file: str) -> pd.DataFrame:
    """Return the named columns as floats.

    Parameters
    ----------
    table : DataFrame
        As read, any types.
    columns : tuple of str
        Columns that must be there.
    name, file : str
        What the table and its file are called in errors.

    Raises
    ------
    TapeError
        For a missing column, or a cell that is not a number: row, column and value are named.
    """
    missing = [c for c in columns if c not in table]
    if missing:
        have = ", ".join(map(str, table.columns[:8]))
        mend = f"The table has {have}; name the columns {', '.join(columns)}"
        raise TapeError([Fault(name, "column is missing", mend, column=c, file=file) for c in missing])
    faults: list[Fault] = []
    out = {}
    for column in columns:
        out[column], text = _floats(table[column])
        for row in np.flatnonzero(text)[:_MOST_FAULTS]:
            what = f"{table[column].iloc[row]!r} is not a number"
            mend = "Times are numbers of seconds" if column == "ts" else "Mend or delete the row"
            faults.append(Fault(name, what, mend, column=column, file=file, **where(table, row)))
    if faults:
        raise TapeError(faults)
    return pd.DataFrame(out, index=table.index)


def repair_quotes(table: pd.DataFrame, file: str) -> tuple[pd.DataFrame, Account]:
    """Mend a table of quotes.

    Parameters
    ----------
    table : DataFrame
        With the columns ``ts, bid, bid_sz, ask, ask_sz``, any types.
    file : str
        Named in faults and in the account.

    Returns
    -------
    quotes : DataFrame
        Sorted, finite, positive, uncrossed.
    account : Account
        What was dropped.

    Raises
    ------
    TapeError
        If it cannot be mended.
    """
    quotes = numbers(table, QUOTE_COLUMNS, "quotes", file)
    if quotes.empty:
        raise TapeError([Fault("quotes", "no rows", "A tape needs quotes; give the file that holds them", file=file)])
    started = len(quotes)
    lines: list[str] = []
    quotes, lines = drop(quotes, ~np.isfinite(quotes.to_numpy()).all(axis=1), "quotes with missing numbers", lines)
    bad = (quotes[["bid", "ask"]] <= 0).any(axis=1) | (quotes[["bid_sz", "ask_sz"]] < 0).any(axis=1)
    quotes, lines = drop(quotes, bad, "quotes with a price not above zero or a negative size", lines)
    quotes, lines = drop(quotes, quotes["bid"] >= quotes["ask"], "crossed or locked quotes", lines)
    refuse_ruins(started, len(quotes), lines, "quotes", file)
    quotes, lines = in_time(quotes, "quotes", file, lines)
    refuse_sparse(quotes["ts"].to_numpy(), file)
    again = (quotes == quotes.shift()).all(axis=1)
    quotes, lines = drop(quotes, again, "quotes that repeat the row before identically", lines)
    return quotes.reset_index(drop=True), _account(file, lines)


def repair_trades(
    table: pd.DataFrame, file: str, name: str = "trades", words: Mapping[str, float] = WORDS
) -> tuple[pd.DataFrame, Account]:
    """Mend a table of trades (or fills); columns beyond the four are kept as they are.

    Parameters
    ----------
    table : DataFrame
        With the columns ``ts, price, size, side``, any types.
    file, name : str
        Named in faults and in the account.
    words : mapping of str to float
        What a side in words means, in small letters.

    Raises
    ------
    TapeError
        If it cannot be mended.
    """
    table, lines = sides(table, words, [])
    lines = lines if words is WORDS else []  # a format's own words need no account
    trades = numbers(table, TRADE_COLUMNS, name, file)
    trades = trades.assign(**{str(c): table[c] for c in table.columns if c not in TRADE_COLUMNS})
    started = len(trades)
    finite = np.isfinite(trades[list(TRADE_COLUMNS)].to_numpy(dtype=float)).all(axis=1)
    trades, lines = drop(trades, ~finite, f"{name} with missing numbers", lines)
    trades, lines = drop(trades, (trades[["price", "size"]] <= 0).any(axis=1), f"{name} without a price or size", lines)
    refuse_sides(trades, name, file)
    refuse_ruins(started, len(trades), lines, name, file)
    trades, lines = in_time(trades, name, file, lines)
    return trades.astype({"side": "int64"}).reset_index(drop=True), _account(file, lines)


def sides(table: pd.DataFrame, words: Mapping[str, float], lines: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Turn sides in words into +1 and -1, and say so; what is neither a word nor a number is left for `numbers`."""
    if "side" not in table or pd.api.types.is_numeric_dtype(table["side"]):
        return table, lines
    said = table["side"].astype(str).str.strip().str.lower()
    meant = said.map(words)
    known = meant.notna()
    if not known.any():
        return table, lines
    side = table["side"].astype(object).where(~known, meant)
    spelt = ", ".join(f"{word} = {words[word]:+.0f}" for word in sorted(set(said[known])))
    return table.assign(side=side), [*lines, f"side is given in words, read as {spelt}"]


def refuse_sides(table: pd.DataFrame, name: str, file: str) -> None:
    """Refuse a table in which a side is neither +1 nor -1."""
    wrong = np.flatnonzero(~table["side"].isin((-1.0, 1.0)).to_numpy())[:_MOST_FAULTS]
    if wrong.size:
        mend = "A side is +1 (the buyer took) or -1 (the seller took)"
        found = [(table["side"].iloc[i], where(table, i)) for i in wrong]
        raise TapeError([Fault(name, f"side is {v:g}", mend, column="side", file=file, **at) for v, at in found])


def drop(table: pd.DataFrame, bad: pd.Series | NDArray, what: str, lines: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the bad rows; the account says how many, and the first of their lines.

    Parameters
    ----------
    table : DataFrame
        Any table.
    bad : array of bool
        Rows to leave out.
    what : str
        What the rows are, in the plural.
    lines : list of str
        The account so far.
    """
    bad = np.asarray(bad, dtype=bool)
    if not bad.any():
        return table, lines
    return table[~bad], [*lines, f"dropped {int(bad.sum())} {what}{_at(table.index[bad])}"]


def in_time(table: pd.DataFrame, name: str, file: str, lines: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Bring a table into order of time, in seconds.

    Parameters
    ----------
    table : DataFrame
        With a finite column ``ts``.
    name, file : str
        What the table and its file are called.
    lines : list of str
        The account so far.
    """
    seconds, unit = seconds_of(table["ts"].to_numpy())
    if unit is not None:
        table = table.assign(ts=seconds)
        lines = [*lines, f"{name}: the times are {unit}; converted to seconds"]
    back = np.append(False, np.diff(seconds) < 0)
    if back.any():
        lines = [*lines, f"sorted {name}: {int(back.sum())} rows came before their predecessor{_at(table.index[back])}"]
        table = table.sort_values("ts", kind="stable")
    refuse_jumps(table["ts"], name, file)
    return table, lines


def refuse_ruins(started: int, kept: int, lines: list[str], name: str, file: str) -> None:
    """Refuse a table of which little is left.

    Parameters
    ----------
    started, kept : int
        Rows before and after the repair.
    lines : list of str
        What was dropped.
    name, file : str
        What the table and its file are called.
    """
    if started and (not kept or kept < (1 - MOST_DROPPED) * started):
        what = f"only {kept} of {started} rows are usable ({'; '.join(lines)})"
        raise TapeError([Fault(name, what, "Check the file's columns and units", file=file)])


def _floats(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column as floats, and where it holds something that is not one."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan), np.zeros(len(column), dtype=bool)
    text = column.astype(str).str.strip()
    empty = column.isna() | text.str.lower().isin(("", "nan", "none", "null"))
    values = pd.to_numeric(text.mask(empty), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return values, (np.isnan(values) & ~empty.to_numpy())


def _at(index: pd.Index) -> str:
    """Name the first few lines of some rows, where they know them."""
    if index.name != LINE:
        return ""
    shown = ", ".join(str(i) for i in index[:_LINES_SHOWN])
    more = ", ..." if len(index) > _LINES_SHOWN else ""
    return f" (line{'s' if len(index) > 1 else ''} {shown}{more})"


def _account(file: str, lines: list[str]) -> Account:
    return Account(tuple(f"{file}: {line}" for line in lines))
