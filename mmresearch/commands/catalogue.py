"""``mmresearch catalogue``: the 25 parameters as a table that fits 100 columns."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from mmresearch.belief.catalogue import CATALOGUE, parameter, prior


@click.command()
@click.argument("name", required=False)
def catalogue(name: str | None) -> None:
    """Print the catalogue, or one row of it in full."""
    console = Console(width=100)
    if name is None:
        console.print(_table())
        return
    row = parameter(name)
    console.print(f"[bold]{row.name}[/bold] ({row.unit}) is {row.estimand}")
    low, high = prior(name).interval(0.95)
    console.print(f"prior: {dict(row.prior)}, 95 % within [{low:.4g}, {high:.4g}]")
    for words in ("kind", "reason", "evidence", "deployed", "consumer"):
        console.print(f"{words}: {getattr(row, words)}")


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("tier", "name", "kind", "unit", "prior", "mean"):
        table.add_column(title, no_wrap=title != "unit")
    for row in CATALOGUE.values():
        family, mean = str(row.prior["family"]), f"{row.prior['mean']:.4g}"
        table.add_row(str(row.tier), row.name, row.kind, row.unit, family, mean)
    return table
