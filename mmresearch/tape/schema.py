"""What happened: the tape, four sorted tables and the facts needed to read them.

Units: ``ts``, ``t0``, ``t1`` in seconds; prices in quote currency; sizes in lots of the venue; ``side`` is +1 for a
buy and -1 for a sell. A slice is half-open, ``t0 <= ts < t1``. At equal ``ts`` trades and fills precede quotes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape import hypothetical
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, SIGNED_SIGNALS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import SliceOrderError

Provenance = Literal["own-fills", "market-proxy", "synthetic"]


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
        Columns as in `mmresearch.tape.columns`, each sorted by ``ts``
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
        """Exchange buy and sell: every price p becomes P0^2/p, with P0 the first mid, and signals with a sign turn.

        Signed moves against us are unchanged, so an honest learner of costs cannot tell the two tapes apart.
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
        return replace(
            self,
            quotes=quotes,
            trades=_mirror(self.trades, square),
            orders=_mirror(self.orders, square),
            fills=_mirror(self.fills, square),
            signals=None if self.signals is None else _turn(self.signals),
        )

    def at_touch(self) -> Tape:
        """Add one-lot orders at both touches and the fills that they would have had; provenance market-proxy.

        See `mmresearch.tape.hypothetical.at_touch` for what such fills do not know.
        """
        return hypothetical.at_touch(self)

    def rotating(self, depths_bps: Sequence[float] | NDArray[np.float64], seconds: float, seed: int) -> Tape:
        """Add one order a side at a time, at a depth (bps) drawn afresh every `seconds`; provenance market-proxy.

        See `mmresearch.tape.hypothetical.rotating`.
        """
        return hypothetical.rotating(self, depths_bps, seconds, seed)

    def scaled(self, price: float = 1.0, time: float = 1.0) -> Tape:
        """Multiply every price and every time by a constant: the change of units that must cancel."""
        if not (price > 0 and time > 0):
            raise ValueError(f"scales must be positive, got price={price}, time={time}")
        return replace(
            self,
            t0=self.t0 * time,
            t1=self.t1 * time,
            quotes=_scale(self.quotes, price, time),
            trades=_scale(self.trades, price, time),
            orders=_scale(self.orders, price, time),
            fills=_scale(self.fills, price, time),
            signals=None if self.signals is None else self.signals.assign(ts=self.signals["ts"] * time),
            sessions=None if self.sessions is None else self.sessions * time,
            meta=replace(self.meta, tick=None if self.meta.tick is None else self.meta.tick * price),
        )


def require_after(end_s: float, tape: Tape) -> None:
    """Refuse a slice that begins before the last one ended.

    Parameters
    ----------
    end_s : float
        End of the last slice in seconds; minus infinity before any.
    tape : Tape
        The slice that is to come next.

    Raises
    ------
    SliceOrderError
        If it begins before `end_s`.
    """
    if tape.t0 < end_s:
        raise SliceOrderError(
            f"{tape.asset}: the slice begins at {tape.t0:g} s, but the last one ended at {end_s:g} s; "
            "feed slices in order, each once, or start from init()"
        )


def _rows(table: pd.DataFrame, t0: float, t1: float) -> pd.DataFrame:
    ts = table["ts"].to_numpy()
    start, end = np.searchsorted(ts, [t0, t1], side="left")
    return table.iloc[start:end]


def _mirror(table: pd.DataFrame, square: float) -> pd.DataFrame:
    return table.assign(price=square / table["price"], side=-table["side"])


def _turn(signals: pd.DataFrame) -> pd.DataFrame:
    return signals.assign(**{name: -signals[name] for name in sorted(SIGNED_SIGNALS.intersection(signals.columns))})


def _scale(table: pd.DataFrame, price: float, time: float) -> pd.DataFrame:
    times = {c: table[c] * time for c in ("ts", "placed", "removed") if c in table}
    prices = {c: table[c] * price for c in ("price", "bid", "ask") if c in table}
    return table.assign(**times, **prices)
