"""The columns of a tape's four tables.

Times in seconds, prices in quote currency, sizes in lots of the venue, ``side`` +1 for a buy and -1 for a sell.
"""

from __future__ import annotations

import pandas as pd

QUOTE_COLUMNS = ("ts", "bid", "bid_sz", "ask", "ask_sz")
TRADE_COLUMNS = ("ts", "price", "size", "side")
ORDER_COLUMNS = ("order_id", "side", "price", "size", "placed", "removed")
FILL_COLUMNS = ("ts", "order_id", "side", "price", "size")
#: Signals that have a direction, up or down: they change their sign where buy and sell are exchanged.
SIGNED_SIGNALS = frozenset({"momentum"})
_INTEGERS = ("side", "order_id")


def empty_table(columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table with the given columns and no rows, typed as a tape wants them."""
    return pd.DataFrame({c: pd.Series(dtype="int64" if c in _INTEGERS else "float64") for c in columns})
