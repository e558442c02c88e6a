"""Own fills as a bot or a venue exports them: a CSV of time, coin, side, price and size, without a book.

    time_iso, coin, side, price, size, net_pnl, maker

Side B (or buy, bid, +1) is a purchase of ours, A (or S, sell, ask, -1) a sale. Times are ISO 8601 (UTC where they do
not say) or Unix time in s, ms, us or ns. Such a file says how often we were filled, coin by coin; it is not a tape, for
it has neither quotes nor our orders. It becomes part of one with ``read(market, fills=file)``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters.text import first_line, read_csv
from mmresearch.tape.clock import seconds_of, where
from mmresearch.tape.columns import FILL_COLUMNS
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import drop, numbers, repair_trades

#: What a column may be called -> what it is.
NAMES = {
    "time_iso": "ts", "time": "ts", "timestamp": "ts", "exchange_timestamp": "ts", "ts": "ts",
    "coin": "coin", "asset": "coin", "symbol": "coin",
    "side": "side", "price": "price", "px": "price", "size": "size", "sz": "size", "qty": "size",
    "net_pnl": "net_pnl", "pnl": "net_pnl", "closedpnl": "net_pnl", "maker": "maker",
    "order_id": "order_id", "oid": "order_id",
}  # fmt: skip
_NEEDED = ("ts", "coin", "side", "price", "size")
SIDES = {"b": 1.0, "buy": 1.0, "bid": 1.0, "a": -1.0, "s": -1.0, "sell": -1.0, "ask": -1.0}


def recognise(place: Path) -> bool:
    """Whether the header is that of a file of own fills."""
    header = re.split(r"\s*,\s*", first_line(place).lower().strip())
    return set(_NEEDED) <= {NAMES.get(name.strip('"'), "") for name in header}


def read_fills(path: str | Path, coin: str | None = None) -> tuple[pd.DataFrame, Account]:
    """Read a file of own fills.

    Parameters
    ----------
    path : path
        The file, packed or not.
    coin : str, optional
        Only fills of this coin, in any case of letters.

    Returns
    -------
    fills : DataFrame
        ``ts, order_id, side, price, size, coin`` and, where the file has it, ``net_pnl``; sorted by time. Without ids
        of orders, fills of one time, coin, side and price count as one order.
    account : Account

    Raises
    ------
    TapeError
        If a column is missing, a cell cannot be read, or there is no such coin.
    """
    place = Path(path)
    table, account = read_csv(place)
    table = table.rename(columns=_renamed(table))
    account += _constant_maker(table, place.name)
    missing = [c for c in _NEEDED if c not in table]
    if missing:
        mend = "A file of fills has a time, coin, side, price and size"
        raise TapeError([Fault("fills", "column is missing", mend, column=c, file=place.name) for c in missing])
    table, lines = drop(table, table["coin"].isna(), "fills without a coin", [])
    account += Account(tuple(f"{place.name}: {line}" for line in lines))
    table = table.assign(ts=_times(table, place.name), coin=table["coin"].astype(str).str.strip())
    extra = [c for c in ("net_pnl", "order_id") if c in table]
    table[extra] = numbers(table, tuple(extra), "fills", place.name)
    fills, said = repair_trades(table, place.name, "fills", SIDES)
    if fills.empty:
        raise TapeError([Fault("fills", "no rows", "Give a file with fills", file=place.name)])
    kept = [*FILL_COLUMNS, "coin", *(c for c in extra if c == "net_pnl")]
    return _of_coin(_with_orders(fills)[kept], coin, place.name), account + said


def rates_by_coin(fills: pd.DataFrame) -> pd.DataFrame:
    """How often, and for how much, each coin was filled.

    Parameters
    ----------
    fills : DataFrame
        As `read_fills` returns it.

    Returns
    -------
    DataFrame
        One row a coin, most fills first: ``coin, fills, buys, hours, per_hour, notional`` and ``net_pnl`` where it is
        known. ``hours`` is the time from the first fill of the file to the last, of any coin: when the bot quoted which
        coin, the file does not say. ``notional`` and ``net_pnl`` are in quote currency.
    """
    hours = float(fills["ts"].iloc[-1] - fills["ts"].iloc[0]) / 3600.0 if len(fills) else 0.0
    worth = fills.assign(notional=fills["price"] * fills["size"], buy=fills["side"] > 0)
    by_coin = worth.groupby("coin", sort=True)
    table = by_coin.agg(fills=("ts", "size"), buys=("buy", "sum"), notional=("notional", "sum")).reset_index()
    table.insert(3, "hours", hours)
    table.insert(4, "per_hour", table["fills"] / hours if hours else np.nan)
    if "net_pnl" in fills:
        table["net_pnl"] = by_coin["net_pnl"].sum().to_numpy()
    return table.sort_values("fills", ascending=False, kind="stable", ignore_index=True)


def refuse_alone(place: Path) -> TapeError:
    """Say what own fills lack to be a tape."""
    what = "is a file of own fills: there are no quotes, so nobody knows how far from the market they were"
    mend = "Read a market tape of that time and give this file as fills (--fills), or inspect it for rates by coin"
    return TapeError([Fault("fills", what, mend, file=str(place))])


def _renamed(table: pd.DataFrame) -> dict[str, str]:
    """Map the columns to their names here; of two that mean the same the first counts."""
    found: dict[str, str] = {}
    for column in table.columns:
        name = NAMES.get(column.lower())
        if name is not None and name not in found.values():
            found[column] = name
    return found


def _times(table: pd.DataFrame, file: str) -> pd.Series:
    """Read times as Unix seconds: numbers of any usual unit, or ISO 8601."""
    said = table["ts"]
    if not pd.api.types.is_numeric_dtype(said):
        as_numbers = pd.to_numeric(said, errors="coerce")
        if as_numbers.isna().all() and said.notna().any():
            return _iso(table, file)
    values = numbers(table, ("ts",), "fills", file)["ts"]
    return pd.Series(seconds_of(values.to_numpy())[0], index=table.index)


def _iso(table: pd.DataFrame, file: str) -> pd.Series:
    stamps = pd.to_datetime(table["ts"], format="ISO8601", utc=True, errors="coerce")
    wrong = np.flatnonzero(stamps.isna() & table["ts"].notna())[:100]
    if wrong.size:
        mend = "Times are ISO 8601 (2025-11-05T00:19:52.662Z) or Unix seconds"
        raise TapeError([
            Fault("fills", f"{table['ts'].iloc[i]!r} is no time", mend, column="time", file=file, **where(table, i))
            for i in wrong
        ])  # fmt: skip
    # Whole microseconds first: a division of timedeltas would not give the nearest number of seconds.
    return (stamps - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(microseconds=1) / 1e6


def _constant_maker(table: pd.DataFrame, file: str) -> Account:
    if "maker" not in table or len(table["maker"].drop_duplicates()) != 1:
        return Account()
    return Account((f"{file}: maker is always {table['maker'].iloc[0]}, so it tells nothing; left out",))


def _with_orders(fills: pd.DataFrame) -> pd.DataFrame:
    """Give every fill an order: its own id, or one for all fills of a time, coin, side and price."""
    if "order_id" in fills:
        ids = fills["order_id"]
        if np.isfinite(ids).all() and (ids == np.floor(ids)).all() and (ids.abs() < 2.0**53).all():
            return fills.assign(order_id=ids.astype("int64"))
    return fills.assign(order_id=fills.groupby(["ts", "coin", "side", "price"], sort=False).ngroup().astype("int64"))


def _of_coin(fills: pd.DataFrame, coin: str | None, file: str) -> pd.DataFrame:
    if coin is None:
        return fills
    chosen = fills[fills["coin"].str.lower() == coin.lower()]
    if chosen.empty:
        coins = ", ".join(sorted(fills["coin"].unique())[:12])
        raise TapeError([Fault("fills", f"there are no fills of {coin}", f"The file has {coins}", file=file)])
    return chosen.reset_index(drop=True)
