"""Plain CSV pairs: ``STEM_quotes.csv[.gz]`` and ``STEM_trades.csv[.gz]``, with the columns of a tape.

``STEM_orders`` and ``STEM_fills`` may stand beside them; then the tape has own fills. Any file of the stem names it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.adapters.reading import Reading
from mmresearch.tape.adapters.text import bare_name, beside, read_csv
from mmresearch.tape.clock import where
from mmresearch.tape.columns import ORDER_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import numbers, repair_quotes, repair_trades
from mmresearch.tape.repair_own import repair_fills, repair_orders

PARTS = ("quotes", "trades", "orders", "fills")
_TRUTH = {"true": 1.0, "false": 0.0, "t": 1.0, "f": 0.0, "yes": 1.0, "no": 0.0}


def stem_of(place: Path) -> Path | None:
    """Return the stem that a path names, itself or by one of its files; None if no file of a stem is there."""
    candidates = [place]
    bare = bare_name(place)
    candidates += [place.with_name(bare.removesuffix(f"_{p}")) for p in PARTS if bare.endswith(f"_{p}")]
    return next((c for c in candidates if any(part(c, name) for name in PARTS)), None)


def part(stem: Path, name: str) -> Path | None:
    """Find one file of a stem; None if it is not there."""
    return beside(stem, f"{stem.name}_{name}")


def read_stem(stem: Path) -> Reading:
    """Read the tables of a stem.

    Raises
    ------
    TapeError
        If there are no quotes, or a table cannot be mended.
    """
    place = part(stem, "quotes")
    if place is None:
        have = ", ".join(p.name for p in (part(stem, name) for name in PARTS) if p)
        what = f"there is {have}, but no quotes: a trade without a quote before it has no depth"
        mend = f"Put {stem.name}_quotes.csv.gz (ts, bid, bid_sz, ask, ask_sz) beside it"
        raise TapeError([Fault("quotes", what, mend, file=str(stem))])
    table, account = read_csv(place)
    tables = {}
    tables["quotes"], said = repair_quotes(table, place.name)
    account += said
    for name, mended in (("trades", _trades), ("orders", repair_orders)):
        if (place := part(stem, name)) is not None:
            table, said = read_csv(place)
            tables[name], more = mended(table, place.name)
            account += said + more
    if (place := part(stem, "fills")) is not None:
        table, said = read_csv(place)
        tables["fills"], more = repair_fills(table, tables.get("orders", empty_table(ORDER_COLUMNS)), place.name)
        account += said + more
    return Reading(stem.name, tables, account)


def _trades(table: pd.DataFrame, file: str) -> tuple[pd.DataFrame, Account]:
    """Mend trades and keep the columns of a tape; a ``hidden`` column becomes boolean."""
    wanted = list(TRADE_COLUMNS)
    if "hidden" in table:
        table, wanted = table.assign(hidden=_flags(table, "hidden", file)), [*wanted, "hidden"]
    trades, account = repair_trades(table, file)
    return trades[wanted], account


def _flags(table: pd.DataFrame, column: str, file: str) -> pd.Series:
    """Read a column of flags, 0 and 1 or in words; an empty cell is 0."""
    said = table[column].astype(str).str.strip().str.lower().map(_TRUTH)
    known = table.assign(**{column: table[column].astype(object).where(said.isna(), said)})
    values = numbers(known, (column,), "trades", file)[column].fillna(0.0)
    wrong = np.flatnonzero(~values.isin((0.0, 1.0)))
    if wrong.size:
        at = where(table, int(wrong[0]))
        what = f"{values.iloc[int(wrong[0])]:g} is no flag"
        raise TapeError([Fault("trades", what, "A flag is 0 or 1", column=column, file=file, **at)])
    return values > 0
