"""``mmresearch tape``: import a tape into the own format, and look at what is in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd
from rich.table import Table

from mmresearch.report.numbers import significant
from mmresearch.report.terminal import console_of
from mmresearch.tape.adapters import ownfills
from mmresearch.tape.faults import Account
from mmresearch.tape.inspect import inspect
from mmresearch.tape.parquet import write_parquet
from mmresearch.tape.read import read_with_account
from mmresearch.tape.schema import Tape

_asset = click.option("--asset", help="Name of the asset; picks one where there are several. [default: from the path]")
_fee = click.option("--fee-bps", type=float, default=1.5, show_default=True, help="Maker fee; negative is a rebate.")
_tick = click.option(
    "--tick", type=click.FloatRange(min=0.0, min_open=True), help="Price step. [default: from the prices]"
)
_fills = click.option("--fills", metavar="FILE", help="Own fills to attach: a CSV of time, coin, side, price, size.")


@click.group("tape")
def command() -> None:
    """Import and inspect tapes.

    SRC is a tape folder, the stem of a CSV pair (STEM_quotes.csv, STEM_trades.csv), or a vendor's file: LOBSTER
    message or orderbook, Hyperliquid prices, trades or orderbooks, Binance websocket lines. Packed files are unpacked.
    """


@command.command("import")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@_asset
@_fee
@_tick
@_fills
def import_(
    source: str, destination: Path, asset: str | None, fee_bps: float, tick: float | None, fills: str | None
) -> None:
    """Read SRC, mend what can be mended, say what was dropped, and write the tape DEST.

    SRC is a tape folder, a raw vendor file, or the stem of a CSV pair. DEST is replaced whole or not at all.
    """
    tape, account = read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick, fills=fills)
    written = write_parquet(tape, destination)
    _say(tape, account)
    console_of().print(f"tape  {written}", soft_wrap=True)


@command.command("inspect")
@click.argument("source", metavar="SRC")
@_asset
@_fee
@_tick
@_fills
def inspect_(source: str, asset: str | None, fee_bps: float, tick: float | None, fills: str | None) -> None:
    """Say what is in the tape SRC: span, rows, spread, tick, volatility, and what reading had to mend.

    Of a file of own fills, which is no tape, say how often each coin was filled.
    """
    place = Path(source)
    if place.is_file() and ownfills.recognise(place):
        _say_fills(*ownfills.read_fills(place, coin=asset))
    else:
        _say(*read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick, fills=fills))


def _say(tape: Tape, account: Account) -> None:
    facts = [(str(row.fact), str(row.value)) for row in inspect(tape).itertuples(index=False)]
    _print_facts([*facts, *_mended(account)])


def _say_fills(fills: pd.DataFrame, account: Account) -> None:
    first, last = (pd.Timestamp(fills["ts"].iloc[i], unit="s") for i in (0, -1))
    _print_facts(
        [
            ("own fills", f"{len(fills)} of {fills['coin'].nunique()} coins, {fills['order_id'].nunique()} orders"),
            ("span", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}, Unix time"),
            ("market", "none: attach these fills to a tape of that time with --fills"),
            *_mended(account),
        ]
    )
    rates = ownfills.rates_by_coin(fills)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for column in rates.columns:
        table.add_column(column, justify="left" if column == "coin" else "right")
    for row in rates.itertuples(index=False):
        table.add_row(*(significant(v) if isinstance(v, float) else str(v) for v in row))
    console_of().print(table)


def _mended(account: Account) -> list[tuple[str, str]]:
    lines = account.lines or ("nothing",)
    return [("mended" if i == 0 else "", line) for i, line in enumerate(lines)]


def _print_facts(facts: Sequence[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for fact, value in facts:
        table.add_row(fact, value)
    console_of().print(table)
