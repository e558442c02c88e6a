"""Mend our own orders and fills: the tables that say what we risked, so nothing is guessed about them.

A row that cannot be read is dropped and said; two different orders of one name, and a fill of an order that the list of
orders does not have, are refused, for then exposure and fills would not belong together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmresearch.tape.clock import seconds_of, where
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import WORDS, drop, numbers, refuse_ruins, refuse_sides, repair_trades, sides

_NEEDED = ("order_id", "side", "price", "size", "placed")
_LARGEST_ID = 2.0**53


def repair_orders(table: pd.DataFrame, file: str) -> tuple[pd.DataFrame, Account]:
    """Mend a table of own orders.

    Parameters
    ----------
    table : DataFrame
        With the columns ``order_id, side, price, size, placed, removed``, any types; ``removed`` may be empty.
    file : str
        Named in faults and in the account.

    Returns
    -------
    orders : DataFrame
        Sorted by ``placed``; ``removed`` is NaN while an order rests.
    account : Account

    Raises
    ------
    TapeError
        If it cannot be mended.
    """
    table, lines = sides(table, WORDS, [])
    orders = numbers(table, ORDER_COLUMNS, "orders", file)
    started = len(orders)
    missing = ~np.isfinite(orders[list(_NEEDED)].to_numpy()).all(axis=1) | np.isinf(orders["removed"].to_numpy())
    orders, lines = drop(orders, missing, "orders with missing numbers", lines)
    orders, lines = drop(orders, (orders[["price", "size"]] <= 0).any(axis=1), "orders without a price or size", lines)
    orders, lines = drop(orders, orders["removed"] < orders["placed"], "orders removed before they were placed", lines)
    refuse_sides(orders, "orders", file)
    refuse_ruins(started, len(orders), lines, "orders", file)
    _refuse_odd_ids(orders, "orders", file)
    orders, lines = drop(orders, orders.duplicated(), "orders that are listed twice", lines)
    _refuse_twins(orders, file)
    orders, lines = _order_times(orders, lines)
    orders = orders.astype({"order_id": "int64", "side": "int64"}).sort_values("placed", kind="stable")
    return orders.reset_index(drop=True), Account(tuple(f"{file}: {line}" for line in lines))


def repair_fills(table: pd.DataFrame, orders: pd.DataFrame, file: str) -> tuple[pd.DataFrame, Account]:
    """Mend a table of own fills.

    Parameters
    ----------
    table : DataFrame
        With the columns ``ts, order_id, side, price, size``, any types.
    orders : DataFrame
        Our orders; if there are any, every fill must belong to one.
    file : str
        Named in faults and in the account.

    Raises
    ------
    TapeError
        If it cannot be mended.
    """
    ids = numbers(table, ("order_id",), "fills", file)["order_id"]
    known = ids[np.isfinite(ids)].to_frame()
    _refuse_odd_ids(known, "fills", file)
    strange = np.flatnonzero(~known["order_id"].isin(orders["order_id"])) if len(orders) else np.empty(0, dtype=int)
    if strange.size:
        mend = "Add the order to the list of orders, or leave out that list: then exposure is unknown"
        found = [(known["order_id"].iloc[i], where(known, i)) for i in strange[:100]]
        raise TapeError([
            Fault("fills", f"order {v:.0f} is not among the orders", mend, column="order_id", file=file, **at)
            for v, at in found
        ])  # fmt: skip
    table, lines = drop(table.assign(order_id=ids), ~np.isfinite(ids), "fills without an order_id", [])
    fills, account = repair_trades(table, file, "fills")
    fills = fills.astype({"order_id": "int64"})[list(FILL_COLUMNS)]
    return fills, Account(tuple(f"{file}: {line}" for line in lines)) + account


def _order_times(orders: pd.DataFrame, lines: list[str]) -> tuple[pd.DataFrame, list[str]]:
    placed, unit = seconds_of(orders["placed"].to_numpy())
    if unit is None:
        return orders, lines
    removed, _ = seconds_of(orders["removed"].to_numpy())
    return orders.assign(placed=placed, removed=removed), [*lines, f"the times are {unit}; converted to seconds"]


def _refuse_odd_ids(table: pd.DataFrame, name: str, file: str) -> None:
    ids = table["order_id"].to_numpy()
    odd = np.flatnonzero(~((ids == np.floor(ids)) & (np.abs(ids) <= _LARGEST_ID)))[:100]
    if odd.size:
        mend = "An order_id is a whole number below 2^53; number the orders"
        raise TapeError([
            Fault(name, f"{ids[i]:g} is no order_id", mend, column="order_id", file=file, **where(table, i))
            for i in odd
        ])  # fmt: skip


def _refuse_twins(orders: pd.DataFrame, file: str) -> None:
    twins = np.flatnonzero(orders["order_id"].duplicated())[:100]
    if twins.size:
        mend = "An amended order is a new one: give it its own order_id"
        raise TapeError([
            Fault("orders", f"order {orders['order_id'].iloc[i]:.0f} is listed before with other values", mend,
                  column="order_id", file=file, **where(orders, i))
            for i in twins
        ])  # fmt: skip
