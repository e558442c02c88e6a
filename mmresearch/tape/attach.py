"""Attach a file of own fills to the tape of the market in which they happened.

What such fills do not say is when our orders were placed and removed, so the time that we were exposed is unknown:
markouts and floors can be learnt from them, intensities cannot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters.ownfills import read_fills
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, empty_table
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.schema import Tape

_MS = 1e3


def with_fills(tape: Tape, path: Path) -> tuple[Tape, Account]:
    """Return the tape with the fills of a file instead of its own orders and fills.

    Parameters
    ----------
    tape : Tape
        The market.
    path : Path
        A file of own fills; see `mmresearch.tape.adapters.ownfills`.

    Returns
    -------
    tape : Tape
        Of provenance own-fills, without orders. Trades that are our own fills are taken out.
    account : Account

    Raises
    ------
    TapeError
        If no coin of the file belongs to the tape, or no fill lies within it.
    """
    fills, account = read_fills(path)
    fills = _of_asset(fills, tape.asset, path.name)
    within = fills["ts"].between(tape.t0, tape.t1, inclusive="left")
    if not within.any():
        what = (
            f"no fill of {tape.asset} lies within the tape: fills from {fills['ts'].iloc[0]:.0f} to "
            f"{fills['ts'].iloc[-1]:.0f} s, tape from {tape.t0:.0f} to {tape.t1:.0f} s"
        )
        raise TapeError([Fault("fills", what, "Give the market of the same time, on the same clock", file=path.name)])
    lines = [f"left out {int((~within).sum())} fills outside the tape"] if not within.all() else []
    kept = fills.loc[within, list(FILL_COLUMNS)].reset_index(drop=True)
    ours = _own_prints(tape.trades, kept)
    lines += [f"took {int(ours.sum())} trades that are own fills out of the market's"] if ours.any() else []
    lines += ["when orders were placed and removed is not known: exposure is unknown, intensities cannot be learnt"]
    tape = replace(
        tape, fills=kept, orders=empty_table(ORDER_COLUMNS), trades=tape.trades[~ours].reset_index(drop=True),
        meta=replace(tape.meta, provenance="own-fills"),
    )  # fmt: skip
    return tape, account + Account(tuple(f"{path.name}: {line}" for line in lines))


def _of_asset(fills: pd.DataFrame, asset: str, file: str) -> pd.DataFrame:
    """Take the fills of the coin that the tape is named for, or of the only one."""
    coins = sorted(fills["coin"].unique())
    names = {asset.lower(), asset.lower().rsplit("_", 1)[-1]}
    picked = [c for c in coins if c.lower() in names] or (coins if len(coins) == 1 else [])
    if not picked:
        what = f"none of its coins is {asset}: {', '.join(coins[:12])}"
        raise TapeError([Fault("fills", what, "Name the coin as the asset", file=file)])
    return fills[fills["coin"].isin(picked)].reset_index(drop=True)


def _own_prints(trades: pd.DataFrame, fills: pd.DataFrame) -> np.ndarray:
    """Find trades that are our fills: same millisecond, price and size, and another took. A fill is one trade."""
    keys = ["ms", "price", "size", "side", "nth"]
    theirs = _numbered(trades.assign(side=trades["side"].astype("int64")), 1)
    ours = _numbered(fills, -1).drop_duplicates(keys)
    return theirs.merge(ours[keys].assign(own=True), on=keys, how="left")["own"].notna().to_numpy()


def _numbered(table: pd.DataFrame, sign: int) -> pd.DataFrame:
    rows = pd.DataFrame({"ms": (table["ts"] * _MS).round(), "price": table["price"], "size": table["size"]})
    rows["side"] = table["side"] * sign
    return rows.assign(nth=rows.groupby(list(rows.columns)).cumcount())
