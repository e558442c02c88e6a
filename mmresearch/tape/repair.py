"""Mend what can be mended, say what was dropped, refuse the rest.

Mended: rows out of order (stable sort), rows that repeat another row identically (quotes only: two equal prints at one
time are two trades), numbers that are missing, infinite, zero or negative, crossed or locked quotes. Refused: a missing
column, text in a number's cell, a side that is neither +1 nor -1, an empty table of quotes, and a table of which more
than half would have to go. A stretch of more than a minute without quotes becomes a gap between two sessions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmresearch.tape.columns import QUOTE_COLUMNS, TRADE_COLUMNS
from mmresearch.tape.faults import Account, Fault, TapeError

GAP_S = 60.0
MOST_DROPPED = 0.5


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
    faults, out = [], {}
    for column in columns:
        values = pd.to_numeric(table[column], errors="coerce")
        text = values.isna() & table[column].notna() & (table[column].astype(str).str.strip().str.lower() != "nan")
        for row in np.flatnonzero(text.to_numpy()):
            what = f"{table[column].iloc[row]!r} is not a number"
            faults.append(Fault(name, what, "Mend or delete the row", row=int(row), column=column, file=file))
        out[column] = values.to_numpy(dtype=float)
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
    quotes, lines = _drop(quotes, ~np.isfinite(quotes.to_numpy()).all(axis=1), "quotes with missing numbers", lines)
    bad = (quotes[["bid", "ask"]] <= 0).any(axis=1) | (quotes[["bid_sz", "ask_sz"]] < 0).any(axis=1)
    quotes, lines = _drop(quotes, bad, "quotes with a price not above zero or a negative size", lines)
    quotes, lines = _drop(quotes, quotes["bid"] >= quotes["ask"], "crossed or locked quotes", lines)
    quotes, lines = _sorted(quotes, "quotes", lines)
    _refuse_ruins(started, len(quotes), lines, "quotes", file)
    quotes, lines = _drop(quotes, quotes.duplicated(), "quotes that repeat another row identically", lines)
    return quotes.reset_index(drop=True), Account(tuple(f"{file}: {line}" for line in lines))


def repair_trades(table: pd.DataFrame, file: str, name: str = "trades") -> tuple[pd.DataFrame, Account]:
    """Mend a table of trades (or fills); columns beyond the four are kept as they are.

    Parameters
    ----------
    table : DataFrame
        With the columns ``ts, price, size, side``, any types.
    file, name : str
        Named in faults and in the account.

    Raises
    ------
    TapeError
        If it cannot be mended.
    """
    trades = numbers(table, TRADE_COLUMNS, name, file)
    trades = trades.assign(**{c: table[c] for c in table.columns if c not in TRADE_COLUMNS})
    started = len(trades)
    lines: list[str] = []
    finite = np.isfinite(trades[list(TRADE_COLUMNS)].to_numpy(dtype=float)).all(axis=1)
    trades, lines = _drop(trades, ~finite, f"{name} with missing numbers", lines)
    trades, lines = _drop(
        trades, (trades[["price", "size"]] <= 0).any(axis=1), f"{name} without a price or size", lines
    )
    wrong = np.flatnonzero(~trades["side"].isin((-1.0, 1.0)).to_numpy())
    if wrong.size:
        mend = "A side is +1 (the buyer took) or -1 (the seller took)"
        rows = [(int(i), trades["side"].iloc[int(i)]) for i in wrong]
        raise TapeError([Fault(name, f"side is {v}", mend, row=i, column="side", file=file) for i, v in rows])
    trades, lines = _sorted(trades, name, lines)
    _refuse_ruins(started, len(trades), lines, name, file)
    trades = trades.astype({"side": "int64"}).reset_index(drop=True)
    return trades, Account(tuple(f"{file}: {line}" for line in lines))


def sessions_of_quotes(ts: np.ndarray, asset: str) -> tuple[pd.DataFrame | None, Account]:
    """Cut the tape at stretches of more than a minute without quotes.

    Returns
    -------
    sessions : DataFrame or None
        ``start`` and ``end`` of each stretch with quotes; None if there is one only.
    account : Account
        The gaps.
    """
    gaps = np.flatnonzero(np.diff(ts) > GAP_S)
    if not gaps.size:
        return None, Account()
    starts, ends = np.append(ts[0], ts[gaps + 1]), np.append(ts[gaps], ts[-1])
    lost = float((ts[gaps + 1] - ts[gaps]).sum())
    line = (
        f"{asset}: {gaps.size} gaps of more than {GAP_S:.0f} s without quotes, {lost:.0f} s in all; counted as closed"
    )
    return pd.DataFrame({"start": starts, "end": ends}), Account((line,))


def _drop(
    table: pd.DataFrame, bad: pd.Series | np.ndarray, what: str, lines: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    bad = np.asarray(bad, dtype=bool)
    if not bad.any():
        return table, lines
    return table[~bad], [*lines, f"dropped {int(bad.sum())} {what}"]


def _sorted(table: pd.DataFrame, name: str, lines: list[str]) -> tuple[pd.DataFrame, list[str]]:
    back = int((np.diff(table["ts"].to_numpy()) < 0).sum())
    if not back:
        return table, lines
    return table.sort_values("ts", kind="stable"), [*lines, f"sorted {name}: {back} rows came before their predecessor"]


def _refuse_ruins(started: int, kept: int, lines: list[str], name: str, file: str) -> None:
    """Refuse a table of which little is left."""
    if started and kept < (1 - MOST_DROPPED) * started:
        what = f"only {kept} of {started} rows are usable ({'; '.join(lines)})"
        raise TapeError([Fault(name, what, "Check the file's columns and units", file=file)])
