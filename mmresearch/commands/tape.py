"""``mmresearch tape``: import a tape into the own format, and look at what is in one."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from mmresearch.report.terminal import console_of
from mmresearch.tape.faults import Account
from mmresearch.tape.inspect import inspect
from mmresearch.tape.parquet import write_parquet
from mmresearch.tape.read import read_with_account
from mmresearch.tape.schema import Tape

_asset = click.option("--asset", help="Name of the asset. [default: from the path]")
_fee = click.option("--fee-bps", type=float, default=1.5, show_default=True, help="Maker fee; negative is a rebate.")
_tick = click.option(
    "--tick", type=click.FloatRange(min=0.0, min_open=True), help="Price step. [default: from the prices]"
)


@click.group("tape")
def command() -> None:
    """Import and inspect tapes."""


@command.command("import")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@_asset
@_fee
@_tick
def import_(source: str, destination: Path, asset: str | None, fee_bps: float, tick: float | None) -> None:
    """Read SRC, mend what can be mended, say what was dropped, and write the tape DEST.

    SRC is a tape folder, a raw vendor file, or the stem of a CSV pair. DEST is replaced whole or not at all.
    """
    tape, account = read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick)
    written = write_parquet(tape, destination)
    _say(tape, account)
    console_of().print(f"tape  {written}", soft_wrap=True)


@command.command("inspect")
@click.argument("source", metavar="SRC")
@_asset
@_fee
@_tick
def inspect_(source: str, asset: str | None, fee_bps: float, tick: float | None) -> None:
    """Say what is in the tape SRC: span, rows, spread, tick, volatility, and what reading had to mend."""
    _say(*read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick))


def _say(tape: Tape, account: Account) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for row in inspect(tape).itertuples(index=False):
        table.add_row(str(row.fact), str(row.value))
    lines = account.lines or ("nothing",)
    for i, line in enumerate(lines):
        table.add_row("mended" if i == 0 else "", line)
    console_of().print(table)
