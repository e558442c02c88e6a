"""What every tape must be, as pandera schemas: checked whenever one is read or written.

A tape that passes has typed, sorted, finite tables inside its bounds, uncrossed quotes, and fills that belong to its
orders. All that is wrong is found at once, each with table, row, column and how to mend it.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from mmresearch.tape.faults import Fault, TapeError
from mmresearch.tape.schema import Tape, TapeMeta

_PROVENANCES = ("own-fills", "market-proxy", "synthetic")
#: Pandera's own failures in plain words.
_WORDS = {
    "column_in_dataframe": "column is missing",
    "not_nullable": "stands where a number should",
    "dtype": "is of the wrong type",
    "field_uniqueness": "is there twice",
}
_MENDS = {
    "ts": "Sort by time in seconds, within the bounds of the tape",
    "side": "A side is +1 or -1",
    "order_id": "Give every order one id, and list the orders of all fills",
}
_OTHER_MEND = "Mend or leave out the row"


def validate(tape: Tape, file: str | None = None) -> Tape:
    """Check a tape against everything that the rest of the package takes for granted.

    Parameters
    ----------
    tape : Tape
        From anywhere.
    file : str, optional
        Named in faults.

    Returns
    -------
    Tape
        The same, with whole numbers in columns of numbers typed as a tape wants them.

    Raises
    ------
    TapeError
        With all faults that were found.
    """
    faults = [*_bounds(tape), *_meta(tape.meta)]
    tables: dict[str, Any] = {}
    for name, schema in _schemas(tape).items():
        tables[name], found = _checked(name, schema, getattr(tape, name))
        faults += found
    if not faults:
        faults = [*_strangers(replace(tape, **tables))]
    if faults:
        raise TapeError([replace(f, file=f.file or file) for f in faults])
    return replace(tape, **tables)


def _schemas(tape: Tape) -> dict[str, pa.DataFrameSchema]:
    """Schemas of the tables that the tape has; times must lie within its bounds."""
    clock = pa.Column(float, [_finite(), _within(tape.t0, tape.t1), _ascending()], coerce=True)
    price, flag = pa.Column(float, [_finite(), _positive()], coerce=True), pa.Column(int, _sided(), coerce=True)
    lots = pa.Column(float, [_finite(), pa.Check.ge(0, error="is negative")], coerce=True)
    ids = pa.Column(int, coerce=True)
    quotes = {"ts": clock, "bid": price, "bid_sz": lots, "ask": price, "ask_sz": lots}
    trades = {"ts": clock, "price": price, "size": price, "side": flag, "hidden": pa.Column(bool, required=False)}
    orders = {
        "order_id": pa.Column(int, unique=True, coerce=True), "side": flag, "price": price, "size": price,
        "placed": pa.Column(float, [_finite(), _before(tape.t1), _ascending()], coerce=True),
        "removed": pa.Column(float, nullable=True, coerce=True),
    }  # fmt: skip
    fills = {"ts": clock, "order_id": ids, "side": flag, "price": price, "size": price}
    stretches = {"start": pa.Column(float, _finite(), coerce=True), "end": pa.Column(float, _finite(), coerce=True)}
    schemas = {
        "quotes": pa.DataFrameSchema(quotes, checks=[_uncrossed()]),
        "trades": pa.DataFrameSchema(trades),
        "orders": pa.DataFrameSchema(orders, checks=[_removed_later()]),
        "fills": pa.DataFrameSchema(fills),
    }
    if tape.signals is not None:
        schemas["signals"] = pa.DataFrameSchema({"ts": clock})
    if tape.sessions is not None:
        schemas["sessions"] = pa.DataFrameSchema(stretches, checks=[_apart()])
    return schemas


def _finite() -> pa.Check:
    return pa.Check(lambda s: np.isfinite(s), error="is not finite")


def _positive() -> pa.Check:
    return pa.Check.gt(0, error="is not above zero")


def _sided() -> pa.Check:
    return pa.Check.isin([-1, 1], error="is neither +1 nor -1")


def _within(t0: float, t1: float) -> pa.Check:
    return pa.Check(lambda s: (s >= t0) & (s < t1), error=f"is not within {t0:.15g} <= ts < {t1:.15g}")


def _before(t1: float) -> pa.Check:
    return pa.Check.lt(t1, error=f"is not before the end of the tape, {t1:.15g}")


def _ascending() -> pa.Check:
    return pa.Check(lambda s: ~(s.diff() < 0), error="is before the row above it")


def _uncrossed() -> pa.Check:
    return pa.Check(lambda t: ~(t["bid"] >= t["ask"]), error="bid is not below ask")


def _removed_later() -> pa.Check:
    return pa.Check(lambda t: ~(t["removed"] < t["placed"]), error="removed before it was placed")


def _apart() -> pa.Check:
    return pa.Check(
        lambda t: (t["start"] <= t["end"]) & ~(t["start"] < t["end"].shift()),
        error="overlaps, or ends before it starts",
    )


def _checked(name: str, schema: pa.DataFrameSchema, table: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Check one table; return it typed, or with its faults."""
    plain = table.reset_index(drop=True)
    try:
        typed = schema.validate(plain, lazy=True)
    except SchemaErrors as error:
        return table, _faults(name, plain, error.failure_cases.to_dict("records"))
    typed.index = table.index
    return typed, []


def _faults(name: str, table: pd.DataFrame, cases: list[dict[str, Any]]) -> list[Fault]:
    """Say each failure once; checks that could not run because of another failure add nothing."""
    real = [c for c in cases if not re.match(r"\w+Error\(", str(c["failure_case"]))] or cases
    found: dict[tuple[int | None, str | None], Fault] = {}
    for case in real:
        fault = _fault(name, table, case)
        found.setdefault((fault.row, fault.column), fault)
    return list(found.values())


def _fault(name: str, table: pd.DataFrame, case: dict[str, Any]) -> Fault:
    """Say a failure of pandera's in the words of a fault."""
    check = str(case["check"])
    row = None if pd.isna(case["index"]) else int(case["index"])
    column = str(case["column"]) if case["schema_context"] == "Column" else None
    if check == "column_in_dataframe":
        column = str(case["failure_case"])
    what = next((words for start, words in _WORDS.items() if check.startswith(start)), check)
    if "coerce" in check:
        what = "is not a number"
    if row is not None and column in table:
        value = table[column].iloc[row]
        what = f"{value:.15g} {what}" if isinstance(value, float | int | np.number) else f"{value!r} {what}"
    return Fault(name, what, _MENDS.get(column or "", _OTHER_MEND), row=row, column=column)


def _bounds(tape: Tape) -> list[Fault]:
    if math.isfinite(tape.t0) and math.isfinite(tape.t1) and tape.t0 <= tape.t1:
        return []
    what = f"the bounds t0 = {tape.t0} and t1 = {tape.t1} are no stretch of time"
    return [Fault("tape", what, "Give finite seconds, t0 <= t1")]


def _meta(meta: TapeMeta) -> list[Fault]:
    """Check the facts beside the tables."""
    faults = []
    for name in ("tick", "lot", "contract_multiplier"):
        value = getattr(meta, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            faults.append(Fault("meta", f"{name} is {value}", "Give a number above zero", column=name))
    if not math.isfinite(meta.fee_bps):
        faults.append(Fault("meta", f"fee_bps is {meta.fee_bps}", "Give the maker fee in bps", column="fee_bps"))
    if meta.provenance not in _PROVENANCES:
        mend = f"It is one of {', '.join(_PROVENANCES)}"
        faults.append(Fault("meta", f"provenance is {meta.provenance!r}", mend, column="provenance"))
    return faults


def _strangers(tape: Tape) -> list[Fault]:
    """Find fills of orders that are not listed, where orders are.

    An order that was removed at the start of a slice is no longer listed in it, so a fill at that moment may be alone.
    """
    if not len(tape.orders):
        return []
    listed = tape.fills["order_id"].isin(tape.orders["order_id"]) | (tape.fills["ts"] <= tape.t0)
    rows = np.flatnonzero(~listed)
    ids = tape.fills["order_id"].to_numpy()
    what = "order {} is not among the orders"
    return [Fault("fills", what.format(ids[r]), _MENDS["order_id"], row=int(r), column="order_id") for r in rows]
