"""``mmresearch tape``: import vendor files into the own format, and look at what is in a tape."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from mmresearch.tape.inspect import inspect
from mmresearch.tape.parquet import write_parquet
from mmresearch.tape.read import read_with_account


@click.group()
def tape() -> None:
    """Import and inspect tapes."""


_asset = click.option("--asset", help="Name of the asset; taken from the file if not given.")
_fee = click.option(
    "--fee-bps", type=float, default=1.5, show_default=True, help="Maker fee in bps; negative = rebate."
)
_tick = click.option("--tick", type=float, help="Price step; inferred from the prices if not given.")


@tape.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@_asset
@_fee
@_tick
def import_(source: Path, target: Path, asset: str | None, fee_bps: float, tick: float | None) -> None:
    """Read SOURCE (vendor file, stem of a CSV pair, or tape) and write it to TARGET in the own format."""
    made, account = read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick)
    for line in account.lines:
        click.echo(line)
    write_parquet(made, target)
    click.echo(
        f"{made.asset}: {len(made.quotes)} quotes, {len(made.trades)} trades, {len(made.fills)} fills -> {target}"
    )


@tape.command("inspect")
@click.argument("source", type=click.Path(path_type=Path))
@_asset
@_fee
@_tick
def inspect_(source: Path, asset: str | None, fee_bps: float, tick: float | None) -> None:
    """Say what is in SOURCE, and what had to be repaired."""
    made, account = read_with_account(source, asset=asset, fee_bps=fee_bps, tick=tick)
    console = Console(width=100)
    console.print(inspect(made).to_string(index=False, header=False))
    for line in account.lines:
        console.print(f"- {line}")
