"""Binance websocket recordings: lines of a local time in nanoseconds and a message of a combined stream.

    1723161255088169167 {"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT", "b": "61800.20", ...}}

Quotes are bookTicker messages, trades are trade messages (aggTrade where there are none); order-book depth is not used.
``m`` true means that the buyer was the maker: the aggressor sold.

Clock. Futures stamp quotes and trades with the exchange's time ``T`` in milliseconds, and the tape uses it. On spot a
bookTicker has none, so quotes and trades share the recorder's clock. There the prints of one market order (same ``T``
and side) take the time of the first of them, and `LEAD_S` less: the quote that a trade leaves behind often arrives
before the trade's own message, and would else be taken for the quote that the trade met.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmresearch.tape.adapters.reading import Reading
from mmresearch.tape.adapters.text import first_line, text_of
from mmresearch.tape.clock import LINE, seconds_of
from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.repair import drop, numbers, repair_quotes, repair_trades
from mmresearch.tape.schema import TapeMeta

#: How much earlier than its first print arrives a spot trade is placed (s). With no lead 15 % of the market orders of a
#: recording of BTCUSDT seem to print inside the spread; with 10 ms 3 %.
LEAD_S = 0.010
#: Lines that may be unreadable, as a share of all.
MOST_UNREADABLE = 0.01
_LINE = re.compile(rb"(\d{13,20})\s+(\{.*\})\s*")
_COIN_MARGINED = re.compile(r"(?P<coin>[A-Z]+)USD_(PERP|\d{6})")
_QUOTE = ("local", "T", "u", "b", "B", "a", "A")
_TRADE = ("local", "T", "id", "p", "q", "m")
#: The buyer was the maker -> the aggressor sold.
_SOLD = {True: 1.0, False: 0.0}
#: Contracts are worth this many dollars on the coin-margined market.
_CONTRACT_USD = {"BTC": 100.0}
_OTHER_CONTRACT_USD = 10.0


@dataclass
class _Found:
    """Messages of a recording, by kind and symbol; each row begins with its line and its local time."""

    quotes: dict[str, list[tuple]] = field(default_factory=dict)
    trades: dict[str, list[tuple]] = field(default_factory=dict)
    together: dict[str, list[tuple]] = field(default_factory=dict)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    forced: dict[str, int] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        """Symbols that have quotes or trades."""
        return sorted({*self.quotes, *self.trades, *self.together})


def recognise(place: Path) -> bool:
    """Whether the file begins with a local time in nanoseconds and a message."""
    return re.match(r"\d{13,20}\s+\{", first_line(place)) is not None


def read_binance(place: Path, asset: str | None = None) -> Reading:
    """Read a recording of one symbol.

    Parameters
    ----------
    place : Path
        Packed or not.
    asset : str, optional
        Picks the symbol, in small or capital letters, where the recording has several.

    Raises
    ------
    TapeError
        If it has several symbols and none is picked, no bookTicker, or more than a few unreadable lines.
    """
    text, account = text_of(place)
    lines = text.split(b"\n")
    last = len(lines)
    if lines[-1].strip() and _parse(lines[-1]) is None:
        account += Account((f"{place.name}: dropped the last line, which is cut off (line {last})",))
        lines.pop()
    found = _sort_out(lines)
    account += _unreadable(found, last, place.name)
    symbol = _pick(found, asset, place.name)
    quotes = _table(found.quotes[symbol], _QUOTE, "bookTicker", place.name)
    quotes, said = _once(quotes, "u", "bookTicker messages", place.name)
    trades, more = _prints(found, symbol, place.name)
    account += said + more
    book, prints, said = _on_one_clock(quotes, trades, place.name)
    account += said
    book, said = repair_quotes(book, place.name)
    prints, more = repair_trades(prints, place.name)
    return Reading(symbol.lower(), {"quotes": book, "trades": prints}, account + said + more, _meta(symbol))


def _parse(line: bytes) -> tuple[int, dict[str, Any]] | None:
    """Split a line into local time and message; None if it is neither."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        message = json.loads(match[2])
    except (ValueError, RecursionError):
        return None
    data = message.get("data", message)
    return (int(match[1]), data) if isinstance(data, dict) else None


def _sort_out(lines: list[bytes]) -> _Found:
    found = _Found()
    for number, line in enumerate(lines, start=1):
        if b"@depth" in line[:96] or not line.strip():
            continue
        parsed = _parse(line)
        if parsed is None:
            found.unreadable.append((number, "is not a local time and a message"))
            continue
        try:
            _file_away(found, number, *parsed)
        except (KeyError, TypeError) as error:
            found.unreadable.append((number, f"a message lacks or garbles {error}"))
    return found


def _file_away(found: _Found, line: int, local: int, data: dict[str, Any]) -> None:
    """Put a message where it belongs; depth and whatever else there is are left alone."""
    kind = data.get("e")
    if kind == "bookTicker" or (kind is None and "B" in data and "A" in data):
        quote = (line, local, data.get("T"), data["u"], data["b"], data["B"], data["a"], data["A"])
        found.quotes.setdefault(str(data["s"]), []).append(quote)
    elif kind == "trade" and data.get("X", "MARKET") != "MARKET":
        symbol = str(data["s"])
        found.forced[symbol] = found.forced.get(symbol, 0) + 1
    elif kind in ("trade", "aggTrade"):
        trade = (line, local, data["T"], data["t" if kind == "trade" else "a"], data["p"], data["q"], _SOLD[data["m"]])
        by_symbol = found.trades if kind == "trade" else found.together
        by_symbol.setdefault(str(data["s"]), []).append(trade)


def _unreadable(found: _Found, lines: int, file: str) -> Account:
    bad = found.unreadable
    if len(bad) > MOST_UNREADABLE * lines:
        mend = "Lines are: local time in nanoseconds, a space, a message in JSON"
        raise TapeError([Fault("messages", what, mend, file=file, line=line) for line, what in bad[:100]])
    if not bad:
        return Account()
    shown = ", ".join(str(line) for line, _ in bad[:3]) + (", ..." if len(bad) > 3 else "")
    return Account((f"{file}: dropped {len(bad)} unreadable lines (line {shown})",))


def _pick(found: _Found, asset: str | None, file: str) -> str:
    symbols = found.symbols
    picked = [s for s in symbols if asset is not None and s == asset.upper()] or symbols
    if len(picked) == 1 and picked[0] in found.quotes:
        return picked[0]
    if len(picked) < 2:
        what = "there are no bookTicker messages, so there are no quotes"
        raise TapeError([Fault("quotes", what, "Record <symbol>@bookTicker beside <symbol>@trade", file=file)])
    what = f"holds several symbols: {', '.join(s.lower() for s in symbols)}"
    raise TapeError([Fault("messages", what, "Pick one by its name as the asset", file=file)])


def _prints(found: _Found, symbol: str, file: str) -> tuple[pd.DataFrame, Account]:
    """Take single trades, or aggregated ones where there are none, each once."""
    single, together = found.trades.get(symbol, []), found.together.get(symbol, [])
    lines = []
    if single and together:
        lines.append(f"left out {len(together)} aggTrade messages: the same trades are there singly")
    if forced := found.forced.get(symbol):
        lines.append(f"left out {forced} trades that were no market orders (insurance fund, deleveraging)")
    table = _table(single or together, _TRADE, "trade", file)
    trades, said = _once(table, "id", "trade messages", file)
    return trades, Account(tuple(f"{file}: {line}" for line in lines)) + said


def _table(rows: list[tuple], columns: tuple[str, ...], name: str, file: str) -> pd.DataFrame:
    table = pd.DataFrame([r[1:] for r in rows], columns=list(columns), index=pd.Index([r[0] for r in rows], name=LINE))
    return numbers(table, columns, name, file)


def _once(table: pd.DataFrame, key: str, what: str, file: str) -> tuple[pd.DataFrame, Account]:
    """Drop messages that a new connection sent again: equal in everything but the time of arrival."""
    same = [c for c in table if c != "local"]
    table, lines = drop(table, table.duplicated(same) & table[key].notna(), f"{what} that were received twice", [])
    return table, Account(tuple(f"{file}: {line}" for line in lines))


def _on_one_clock(quotes: pd.DataFrame, trades: pd.DataFrame, file: str) -> tuple[pd.DataFrame, pd.DataFrame, Account]:
    """Stamp quotes and trades by the exchange if all quotes carry its time, else by the recorder."""
    account = Account()
    if len(quotes) and quotes["T"].notna().all():
        at, done = (seconds_of(t["T"].to_numpy())[0] for t in (quotes, trades))
    else:
        first = trades.groupby(["T", "m"])["local"].transform("min")
        at, done = seconds_of(quotes["local"].to_numpy())[0], seconds_of(first.to_numpy())[0] - LEAD_S
        account = Account((
            f"{file}: quotes carry no time of the exchange; quotes and trades are on the recorder's clock, "
            f"a trade {LEAD_S * 1e3:.0f} ms before its first print arrived",
        ))  # fmt: skip
    book = pd.DataFrame(
        {"ts": at, "bid": quotes["b"], "bid_sz": quotes["B"], "ask": quotes["a"], "ask_sz": quotes["A"]}
    )
    side = np.where(trades["m"] > 0, -1, 1)
    prints = pd.DataFrame({"ts": done, "price": trades["p"], "size": trades["q"], "side": side})
    return book, prints, account


def _meta(symbol: str) -> TapeMeta:
    """Say what a symbol says about its contract."""
    coin = _COIN_MARGINED.fullmatch(symbol)
    if coin is None:
        return TapeMeta()
    return TapeMeta(contract_multiplier=_CONTRACT_USD.get(coin["coin"], _OTHER_CONTRACT_USD), inverse=True)
