"""``mmresearch catalogue``: the parameters, one row each; of one parameter, everything."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmresearch.belief.catalogue import CATALOGUE, Parameter, parameter, prior
from mmresearch.report.numbers import interval, significant
from mmresearch.report.terminal import console_of

_STYLES = {"learned": "bold", "derived": "cyan", "policy": "dim"}


@click.command("catalogue")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the parameters; with NAME, everything about one of them."""
    console = console_of()
    if name is None:
        console.print(_table())
        console.print("mmresearch catalogue NAME tells what it is, what teaches it and what uses it.", style="dim")
    else:
        _describe(parameter(name), console)


def _table() -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    for heading, width in (("tier", 4), ("name", 27), ("kind", 7), ("family", 12)):
        table.add_column(heading, width=width, no_wrap=True)
    for heading, width in (("mean", 7), ("90 % of prior", 18)):
        table.add_column(heading, width=width, justify="right", no_wrap=True)
    table.add_column("unit", overflow="fold")
    for row in CATALOGUE.values():
        low, high = (float(v) for v in prior(row.name).interval(0.9))
        table.add_row(
            str(row.tier), row.name, Text(row.kind, style=_STYLES[row.kind]), row.prior["family"],
            significant(float(row.prior["mean"]), 3), interval(low, high), row.unit,
        )  # fmt: skip
    return table


def _describe(row: Parameter, console: Console) -> None:
    belief = prior(row.name)
    low, high = (float(v) for v in belief.interval(0.9))
    spread = f"mean {significant(float(belief.mean()))}, 90 % in {interval(low, high)}"
    console.print(Text(row.name, style="bold") + Text(f"  tier {row.tier}, {row.kind}", style="dim"))
    console.print(f"It is {row.estimand}")
    lines = {
        "unit": row.unit, "prior": f"{row.prior['family']}, {spread}", "presets": ", ".join(row.presets) or "none",
        "evidence": row.evidence, "as deployed": row.deployed, "used for": row.consumer, f"why {row.kind}": row.reason,
    }  # fmt: skip
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for key, value in lines.items():
        table.add_row(key, value)
    console.print(table)
