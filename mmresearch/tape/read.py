"""Read a tape from wherever it is: the own format, a vendor's files, or the stem of a CSV pair."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters import plain
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.parquet import read_parquet
from mmresearch.tape.repair import sessions_of_quotes
from mmresearch.tape.schema import Tape, TapeMeta
from mmresearch.tape.walks import with_tick


def read(path: str | Path, *, asset: str | None = None, fee_bps: float = 1.5, tick: float | None = None) -> Tape:
    """Read a tape; see `read_with_account`, which also says what was repaired."""
    return read_with_account(path, asset=asset, fee_bps=fee_bps, tick=tick)[0]


def read_with_account(
    path: str | Path, *, asset: str | None = None, fee_bps: float = 1.5, tick: float | None = None
) -> tuple[Tape, Account]:
    """Read a tape and an account of what was repaired.

    Parameters
    ----------
    path : path
        A tape folder, a vendor's file (its partner is found beside it), or the stem of a CSV pair: ``.../hl_BTC`` for
        ``hl_BTC_quotes.csv.gz`` and ``hl_BTC_trades.csv.gz``.
    asset : str, optional
        Name of the asset; from the path if not given.
    fee_bps : float
        Maker fee in bps, for files that do not say; negative is a rebate.
    tick : float, optional
        Price step; inferred from the prices if not given.

    Returns
    -------
    tape : Tape
        Its provenance is market-proxy if it brings no own fills.
    account : Account

    Raises
    ------
    TapeError
        If there is no such tape, or it cannot be repaired.
    """
    place = Path(path)
    if (place / "meta.json").is_file() or place.suffix == ".tape":
        tape = read_parquet(place)
        return (replace(tape, asset=asset) if asset else tape), Account()
    if plain.part(place, "quotes") is not None:
        tables, account = plain.read_pair(place)
        return assemble(tables, account, asset or place.name, fee_bps, tick)
    raise _not_found(place)


def assemble(
    tables: dict[str, pd.DataFrame], account: Account, asset: str, fee_bps: float, tick: float | None
) -> tuple[Tape, Account]:
    """Make a tape of repaired tables: bounds, sessions, tick and provenance."""
    quotes = tables["quotes"]
    trades = tables.get("trades", empty_table(TRADE_COLUMNS))
    orders, fills = tables.get("orders", empty_table(ORDER_COLUMNS)), tables.get("fills", empty_table(FILL_COLUMNS))
    early = int((trades["ts"] < quotes["ts"].iloc[0]).sum())
    if early:
        trades = trades[trades["ts"] >= quotes["ts"].iloc[0]].reset_index(drop=True)
        account += Account((f"{asset}: left out {early} trades before the first quote, whose depth nobody knows",))
    last = max([float(t["ts"].iloc[-1]) for t in (quotes, trades, fills) if len(t)])
    sessions, gaps = sessions_of_quotes(quotes["ts"].to_numpy(), asset)
    own = len(orders) or len(fills)
    meta = TapeMeta(tick=tick, fee_bps=fee_bps, provenance="own-fills" if own else "market-proxy")
    tape = Tape(
        asset, float(quotes["ts"].iloc[0]), float(np.nextafter(last, np.inf)), quotes, trades, orders, fills,
        sessions=sessions, meta=meta,
    )  # fmt: skip
    return with_tick(tape), account + gaps


def _not_found(place: Path) -> TapeError:
    """Say that there is no such tape, and what is near."""
    if not place.parent.is_dir():
        return TapeError(
            [Fault("tape", f"the folder {place.parent} does not exist", "Check the path", file=str(place))]
        )
    there = sorted({p.name.split("_quotes")[0].split("_trades")[0] for p in place.parent.iterdir()})
    near = difflib.get_close_matches(place.name, there, n=3, cutoff=0.3) or there[:3]
    mend = f"Did you mean {', '.join(near)}?" if near else "The folder is empty"
    return TapeError([Fault("tape", "there is no tape or vendor file of that name", mend, file=str(place))])
