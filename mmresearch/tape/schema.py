"""What happened: the tape, four sorted tables and the facts needed to read them.

Units: ``ts``, ``t0``, ``t1`` in seconds; prices in quote currency; sizes in lots of the venue; ``side`` is +1 for a
buy and -1 for a sell. A slice is half-open, ``t0 <= ts < t1``. At equal ``ts`` trades and fills precede quotes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

Provenance = Literal["own-fills", "market-proxy", "synthetic"]

QUOTE_COLUMNS = ("ts", "bid", "bid_sz", "ask", "ask_sz")
TRADE_COLUMNS = ("ts", "price", "size", "side")
ORDER_COLUMNS = ("order_id", "side", "price", "size", "placed", "removed")
FILL_COLUMNS = ("ts", "order_id", "side", "price", "size")


@dataclass(frozen=True)
class TapeMeta:
    """What the tables do not say about their market.

    Attributes
    ----------
    tick : float or None
        Smallest price step, in quote currency; ``None`` if unknown.
    lot : float or None
        Smallest size step.
    fee_bps : float
        Maker fee in bps of notional; negative is a rebate.
    contract_multiplier : float
        Units of the underlying in one contract.
    inverse : bool
        True if profit is paid in the base currency (coin-margined).
    currency : str
        Currency of the prices.
    provenance : {"own-fills", "market-proxy", "synthetic"}
        Where orders and fills come from. A market-proxy tape never certifies a learner.
    """

    tick: float | None = None
    lot: float | None = None
    fee_bps: float = 1.5
    contract_multiplier: float = 1.0
    inverse: bool = False
    currency: str = "USD"
    provenance: Provenance = "own-fills"


def empty_table(columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table with the given columns and no rows, typed as a tape wants them."""
    integers = {"side", "order_id"}
    return pd.DataFrame({c: pd.Series(dtype="int64" if c in integers else "float64") for c in columns})


@dataclass(frozen=True)
class Tape:
    """A stretch of market history with our own orders and fills in it.

    Attributes
    ----------
    asset : str
        Name of the asset.
    t0, t1 : float
        The slice covers ``t0 <= ts < t1`` (seconds).
    quotes, trades, orders, fills : pandas.DataFrame
        Columns as in `QUOTE_COLUMNS`, `TRADE_COLUMNS`, `ORDER_COLUMNS`, `FILL_COLUMNS`, each sorted by ``ts``
        (orders by ``placed``). ``trades`` are other people's; a bool column ``hidden`` marks prints against
        undisplayed liquidity. ``removed`` is NaN while an order rests.
    signals : pandas.DataFrame or None
        ``ts`` and named columns.
    sessions : pandas.DataFrame or None
        ``start`` and ``end`` of the stretches in which the market was open, where that is not all of it.
    meta : TapeMeta
        Tick, lot, fee, provenance.
    """

    asset: str
    t0: float
    t1: float
    quotes: pd.DataFrame
    trades: pd.DataFrame = field(default_factory=lambda: empty_table(TRADE_COLUMNS))
    orders: pd.DataFrame = field(default_factory=lambda: empty_table(ORDER_COLUMNS))
    fills: pd.DataFrame = field(default_factory=lambda: empty_table(FILL_COLUMNS))
    signals: pd.DataFrame | None = None
    sessions: pd.DataFrame | None = None
    meta: TapeMeta = field(default_factory=TapeMeta)

    @property
    def seconds(self) -> float:
        """Length of the tape in seconds."""
        return self.t1 - self.t0

    def between(self, t0: float, t1: float) -> Tape:
        """Return the rows with ``t0 <= ts < t1``; orders that rested at any moment of the slice.

        Parameters
        ----------
        t0, t1 : float
            Bounds in seconds. ``t0 == t1`` gives a slice without rows.

        Returns
        -------
        Tape
            ``removed`` is NaN for orders still resting at ``t1``: a slice does not know the future.
        """
        orders = self.orders
        removed = orders["removed"].to_numpy()
        rests = (orders["placed"].to_numpy() < t1) & ~(removed <= t0) & (t1 > t0)
        cut = orders[rests]
        if len(cut):
            cut = cut.assign(removed=cut["removed"].where(cut["removed"] < t1))
        return replace(
            self,
            t0=t0,
            t1=t1,
            quotes=_rows(self.quotes, t0, t1),
            trades=_rows(self.trades, t0, t1),
            orders=cut,
            fills=_rows(self.fills, t0, t1),
            signals=None if self.signals is None else _rows(self.signals, t0, t1),
        )

    def slices(self, seconds: float) -> Iterator[Tape]:
        """Yield consecutive slices of the given length; the last one may be shorter."""
        if not seconds > 0:
            raise ValueError(f"slice length must be positive, got {seconds} s")
        edges = np.append(np.arange(self.t0, self.t1, seconds), self.t1)
        for start, end in itertools.pairwise(edges):
            yield self.between(float(start), float(end))

    def mirrored(self) -> Tape:
        """Exchange buy and sell: every price p becomes P0^2/p, with P0 the first mid.

        Signed moves against us are unchanged, so an honest learner cannot tell the two tapes apart.
        """
        if self.quotes.empty:
            raise ValueError(f"{self.asset}: a tape without quotes has no first mid to mirror about")
        square = float((self.quotes["bid"].iloc[0] + self.quotes["ask"].iloc[0]) / 2) ** 2
        quotes = pd.DataFrame(
            {
                "ts": self.quotes["ts"],
                "bid": square / self.quotes["ask"],
                "bid_sz": self.quotes["ask_sz"],
                "ask": square / self.quotes["bid"],
                "ask_sz": self.quotes["bid_sz"],
            }
        )
        turn = {name: _mirror(getattr(self, name), square) for name in ("trades", "orders", "fills")}
        return replace(self, quotes=quotes, **turn)

    def scaled(self, price: float = 1.0, time: float = 1.0) -> Tape:
        """Multiply every price and every time by a constant: the change of units that must cancel."""
        if not (price > 0 and time > 0):
            raise ValueError(f"scales must be positive, got price={price}, time={time}")
        tables = {n: _scale(getattr(self, n), price, time) for n in ("quotes", "trades", "orders", "fills")}
        signals = None if self.signals is None else self.signals.assign(ts=self.signals["ts"] * time)
        sessions = None if self.sessions is None else self.sessions * time
        tick = None if self.meta.tick is None else self.meta.tick * price
        return replace(
            self, t0=self.t0 * time, t1=self.t1 * time, signals=signals, sessions=sessions,
            meta=replace(self.meta, tick=tick), **tables,
        )  # fmt: skip


def _rows(table: pd.DataFrame, t0: float, t1: float) -> pd.DataFrame:
    ts = table["ts"].to_numpy()
    start, end = np.searchsorted(ts, [t0, t1], side="left")
    return table.iloc[start:end]


def _mirror(table: pd.DataFrame, square: float) -> pd.DataFrame:
    return table.assign(price=square / table["price"], side=-table["side"])


def _scale(table: pd.DataFrame, price: float, time: float) -> pd.DataFrame:
    times = {c: table[c] * time for c in ("ts", "placed", "removed") if c in table}
    prices = {c: table[c] * price for c in ("price", "bid", "ask") if c in table}
    return table.assign(**times, **prices)
