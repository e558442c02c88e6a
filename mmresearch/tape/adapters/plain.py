"""Plain CSV pairs: ``STEM_quotes.csv[.gz]`` and ``STEM_trades.csv[.gz]``, with the columns of a tape.

``STEM_orders`` and ``STEM_fills`` may stand beside them; then the tape has own fills.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import numbers, repair_quotes, repair_trades

ENDINGS = (".csv.gz", ".csv")


def part(stem: Path, name: str) -> Path | None:
    """Find one file of a stem; None if it is not there."""
    for ending in ENDINGS:
        place = stem.parent / f"{stem.name}_{name}{ending}"
        if place.is_file():
            return place
    return None


def read_csv(place: Path, **options) -> pd.DataFrame:
    """Read a CSV, gzipped or not.

    Raises
    ------
    TapeError
        If it is empty, cut off or not text.
    """
    try:
        return pd.read_csv(place, **options)
    except pd.errors.EmptyDataError as error:
        raise TapeError([Fault("file", "is empty", "Give a file with rows", file=place.name)]) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = f"is cut off or damaged ({error})"
        raise TapeError([Fault("file", what, "Fetch or write it again", file=place.name)]) from error
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, ValueError) as error:
        raise TapeError([Fault("file", f"cannot be read as CSV ({error})", "", file=place.name)]) from error


def read_pair(stem: Path) -> tuple[dict[str, pd.DataFrame], Account]:
    """Read the tables of a stem.

    Returns
    -------
    tables : dict
        quotes, trades, orders, fills; the last three may be empty.
    account : Account
        What was repaired.
    """
    place = part(stem, "quotes")
    if place is None:
        raise TapeError([Fault("quotes", "file is missing", f"Expected {stem.name}_quotes.csv.gz", file=str(stem))])
    quotes, account = repair_quotes(read_csv(place), place.name)
    tables = {"quotes": quotes, "trades": empty_table(TRADE_COLUMNS)}
    if (place := part(stem, "trades")) is not None:
        trades, said = repair_trades(read_csv(place), place.name)
        tables["trades"], account = tidy_trades(trades), account + said
    tables["orders"], tables["fills"] = empty_table(ORDER_COLUMNS), empty_table(FILL_COLUMNS)
    if (place := part(stem, "orders")) is not None:
        orders = numbers(read_csv(place), ORDER_COLUMNS, "orders", place.name)
        tables["orders"] = orders.astype({"order_id": "int64", "side": "int64"}).sort_values("placed", kind="stable")
    if (place := part(stem, "fills")) is not None:
        fills, said = repair_trades(read_csv(place), place.name, "fills")
        ids = numbers(fills, ("order_id",), "fills", place.name)["order_id"].astype("int64")
        tables["fills"], account = fills.assign(order_id=ids)[list(FILL_COLUMNS)], account + said
    return tables, account


def tidy_trades(trades: pd.DataFrame) -> pd.DataFrame:
    """Keep the columns of a tape; a ``hidden`` column becomes boolean."""
    if "hidden" not in trades:
        return trades[list(TRADE_COLUMNS)]
    return trades[list(TRADE_COLUMNS)].assign(hidden=np.asarray(trades["hidden"], dtype=float) > 0)
