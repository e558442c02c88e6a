"""Read a tape from wherever it is: the own format, the stem of a CSV pair, or a vendor's files."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters import binance, hyperliquid, lobster, ownfills, plain
from mmresearch.tape.adapters.reading import Reading
from mmresearch.tape.adapters.text import first_line
from mmresearch.tape.attach import with_fills
from mmresearch.tape.clock import GAP_S, sessions_of_quotes
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.parquet import read_parquet
from mmresearch.tape.schema import Tape
from mmresearch.tape.validate import validate
from mmresearch.tape.walks import with_tick

_KNOWN = "a tape folder, a CSV pair, LOBSTER, Hyperliquid and Binance recordings, files of own fills"


def read(
    path: str | Path,
    *,
    asset: str | None = None,
    fee_bps: float = 1.5,
    tick: float | None = None,
    fills: str | Path | None = None,
) -> Tape:
    """Read a tape; see `read_with_account`, which also says what was repaired."""
    return read_with_account(path, asset=asset, fee_bps=fee_bps, tick=tick, fills=fills)[0]


def read_with_account(
    path: str | Path,
    *,
    asset: str | None = None,
    fee_bps: float = 1.5,
    tick: float | None = None,
    fills: str | Path | None = None,
) -> tuple[Tape, Account]:
    """Read a tape and an account of what was repaired.

    Parameters
    ----------
    path : path
        A tape folder, a vendor's file (its partner is found beside it), or the stem of a CSV pair: ``.../hl_BTC`` for
        ``hl_BTC_quotes.csv.gz`` and ``hl_BTC_trades.csv.gz``.
    asset : str, optional
        Name of the asset; from the path if not given. Where a file holds several, it picks one.
    fee_bps : float
        Maker fee in bps, for files that do not say; negative is a rebate.
    tick : float, optional
        Price step; inferred from the prices if not given.
    fills : path, optional
        A file of own fills to attach to the market of `path`.

    Returns
    -------
    tape : Tape
        Validated. Its provenance is market-proxy if it brings no own fills.
    account : Account

    Raises
    ------
    TapeError
        If there is no such tape, or it cannot be repaired.
    """
    place = Path(path)
    if (place / "meta.json").is_file() or place.suffix == ".tape":
        tape, account = read_parquet(place), Account()
        tape = replace(tape, asset=asset) if asset else tape
    else:
        reading = _reading(place, asset)
        tape, account = assemble(replace(reading, asset=asset or reading.asset), fee_bps, tick)
    if fills is not None:
        tape, said = with_fills(tape, Path(fills))
        account += said
    return validate(tape, str(path)), account


def assemble(reading: Reading, fee_bps: float, tick: float | None) -> tuple[Tape, Account]:
    """Make a tape of repaired tables: bounds, sessions, tick and provenance.

    Parameters
    ----------
    reading : Reading
        What an adapter found.
    fee_bps : float
        Maker fee in bps.
    tick : float or None
        Price step, if it is known better than the adapter knows it.
    """
    tables, asset = reading.tables, reading.asset
    quotes = tables["quotes"]
    ts = quotes["ts"].to_numpy()
    trades, account = _known_trades(tables.get("trades", empty_table(TRADE_COLUMNS)), ts, asset)
    orders, fills = tables.get("orders", empty_table(ORDER_COLUMNS)), tables.get("fills", empty_table(FILL_COLUMNS))
    if len(tables.get("trades", ())) and not len(trades):
        what = "quotes and trades have no time in common"
        raise TapeError([Fault("trades", what, "Give files of one day, on one clock and in one unit", file=asset)])
    fills, said = _known_fills(fills, ts, asset)
    last = max([float(t["ts"].iloc[-1]) for t in (quotes, trades, fills) if len(t)])
    orders, more = _orders_within(orders, fills, float(ts[0]), last, asset)
    sessions, gaps = sessions_of_quotes(ts, asset, reading.closed)
    meta = replace(
        reading.meta,
        tick=tick if tick is not None else reading.meta.tick,
        fee_bps=fee_bps,
        provenance="own-fills" if len(orders) or len(fills) else "market-proxy",
    )
    tape = Tape(
        asset, float(ts[0]), float(np.nextafter(last, np.inf)), quotes, trades, orders, fills, sessions=sessions,
        meta=meta,
    )  # fmt: skip
    return with_tick(tape), reading.account + account + said + more + gaps


def _reading(place: Path, asset: str | None) -> Reading:
    """Send a path to the adapter that knows it."""
    stem = plain.stem_of(place)
    if stem is not None:
        return plain.read_stem(stem)
    if not place.is_file():
        raise _not_found(place)
    adapters: list[tuple[Callable[[Path], bool], Callable[[], Reading]]] = [
        (lobster.recognise, lambda: lobster.read_lobster(place)),
        (hyperliquid.recognise, lambda: hyperliquid.read_hyperliquid(place)),
        (binance.recognise, lambda: binance.read_binance(place, asset)),
    ]
    for knows, reads in adapters:
        if knows(place):
            return reads()
    if ownfills.recognise(place):
        raise ownfills.refuse_alone(place)
    raise _unknown(place)


def _known_trades(trades: pd.DataFrame, ts: np.ndarray, asset: str) -> tuple[pd.DataFrame, Account]:
    """Leave out trades whose depth nobody knows: before the first quote, and long after the last."""
    early, late = trades["ts"] <= ts[0], trades["ts"] > ts[-1] + GAP_S
    lines = []
    if early.any():
        lines.append(f"{asset}: left out {int(early.sum())} trades with no quote before them, whose depth nobody knows")
    if late.any():
        lines.append(f"{asset}: left out {int(late.sum())} trades more than {GAP_S:.0f} s after the last quote")
    return trades[~(early | late)].reset_index(drop=True), Account(tuple(lines))


def _known_fills(fills: pd.DataFrame, ts: np.ndarray, asset: str) -> tuple[pd.DataFrame, Account]:
    """Leave out own fills of before the quotes and of long after."""
    alone = (fills["ts"] < ts[0]) | (fills["ts"] > ts[-1] + GAP_S)
    if not alone.any():
        return fills, Account()
    said = f"{asset}: left out {int(alone.sum())} own fills before the first quote or long after the last"
    return fills[~alone].reset_index(drop=True), Account((said,))


def _orders_within(
    orders: pd.DataFrame, fills: pd.DataFrame, start: float, last: float, asset: str
) -> tuple[pd.DataFrame, Account]:
    """Leave out own orders that never rested while there were quotes."""
    alone = (orders["removed"] <= start) | (orders["placed"] > last)
    alone &= ~orders["order_id"].isin(fills["order_id"])
    if not alone.any():
        return orders, Account()
    said = f"{asset}: left out {int(alone.sum())} own orders that rested before or after the quotes only"
    return orders[~alone].reset_index(drop=True), Account((said,))


def _unknown(place: Path) -> TapeError:
    begins = first_line(place)[:60]
    what = f"is in no known format; it begins with {begins!r}" if begins else "is empty, or cannot be unpacked"
    return TapeError([Fault("file", what, f"Known are {_KNOWN}", file=str(place))])


def _not_found(place: Path) -> TapeError:
    """Say that there is no such tape, and what is near."""
    if not place.parent.is_dir():
        what = f"the folder {place.parent} does not exist"
        return TapeError([Fault("tape", what, "Check the path", file=str(place))])
    there = sorted({p.name.split("_quotes")[0].split("_trades")[0] for p in place.parent.iterdir()})
    near = difflib.get_close_matches(place.name, there, n=3, cutoff=0.3) or there[:3]
    mend = f"Did you mean {', '.join(near)}?" if near else "The folder is empty"
    return TapeError([Fault("tape", "there is no tape or vendor file of that name", mend, file=str(place))])
