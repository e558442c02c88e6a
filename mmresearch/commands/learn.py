"""``mmresearch learn``: every row of the catalogue taught from one tape, rightly and as deployed."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmresearch.belief.prior_file import read_priors
from mmresearch.report.learning import TOXIC_HOURS, learning_table
from mmresearch.report.numbers import MISSING, significant
from mmresearch.report.terminal import console_of
from mmresearch.sim import feature_tapes
from mmresearch.sim.bundle import example, example_truths
from mmresearch.tape.read import read

#: Width of the columns: name and truth, then of either side n, mean and interval.
_NAME, _TRUTH, _N, _MEAN = 27, 8, {"right": 5, "deployed": 6}, {"right": 7, "deployed": 8}
_INTERVAL = 16
_STYLES = {"right": "green", "deployed": "dark_orange3"}


@click.command("learn", context_settings={"show_default": True})
@click.option("--tape", "path", metavar="PATH", help="Tape to learn from; [default: a bundled one with every feature]")
@click.option(
    "--asset", type=click.Choice(list(feature_tapes.HYPERS)), default="INDI", help="Which bundled tape, without --tape."
)
@click.option(
    "--toxic-hours",
    metavar="H,H,...",
    help="Hours of the day (UTC) that are toxic. [default: 6,7,14; 1 of bundled tapes]",
)
@click.option(
    "--priors", "priors_path", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
    help="Right learners start from these priors of `mmresearch fit --priors`.",
)  # fmt: skip
@click.option("--csv", type=click.Path(path_type=Path, dir_okay=False), help="Also write the whole table here.")
def command(path: str | None, asset: str, toxic_hours: str | None, priors_path: Path | None, csv: Path | None) -> None:
    """Teach the 25 rows of the catalogue one tape: n, mean and 90 % interval, right and as deployed.

    PATH is a Parquet tape, a raw vendor file, or the stem of a CSV pair. Of the bundled tapes the truth is known.
    """
    if path is None:
        (tape,) = (t for t in example(features=True) if t.asset == asset)
        truths = example_truths(features=True)[asset]
    else:
        tape, truths = read(path), {}
    hours = TOXIC_HOURS if path else feature_tapes.TOXIC_HOURS
    priors = read_priors(priors_path) if priors_path else None
    table = learning_table(tape, truths, _hours(toxic_hours) if toxic_hours else hours, priors=priors)
    console = console_of()
    console.print(f"{tape.asset}: {tape.seconds:.0f} s, {len(tape.fills)} fills", soft_wrap=True)
    show_learning(table, console)
    if csv is not None:
        table.to_csv(csv, index=False)
        console.print(f"table  {csv}", soft_wrap=True)


def _hours(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(hour) for hour in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} does not name hours; write them as in 6,7,14") from None


def show_learning(table: pd.DataFrame, console: Console) -> None:
    """Print a table of learning within 100 columns, and below it why numbers are missing or not learned.

    Parameters
    ----------
    table : DataFrame
        From `learning_table`.
    console : rich.console.Console
        Where.
    """
    shown = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="dim")
    shown.add_column("name", width=_NAME, no_wrap=True)
    shown.add_column("truth", width=_TRUTH, no_wrap=True, justify="right")
    for side in _STYLES:
        shown.add_column("n", width=_N[side], no_wrap=True, justify="right")
        shown.add_column(side, width=_MEAN[side], no_wrap=True, justify="right")
        shown.add_column("90 %", width=_INTERVAL, no_wrap=True, justify="right")
    for row in table.to_dict("records"):
        cells = [Text(row["name"]), Text(_number(row["truth"]))]
        for side, style in _STYLES.items():
            n, mean, lo, hi = (row[f"{side}_{x}"] for x in ("n", "mean", "lo", "hi"))
            used = style if n else "dim"
            interval = "" if pd.isna(lo) else f"{_number(lo)} {_number(hi)}"
            cells += [Text(_count(n), style=used), Text(_number(mean), style=used), Text(interval, style="dim")]
        shown.add_row(*cells)
    console.print(shown)
    for side in ("truth", *_STYLES):
        _show_notes(table, side, console)


def _show_notes(table: pd.DataFrame, side: str, console: Console) -> None:
    notes = table[table[f"{side}_note"] != ""].groupby(f"{side}_note", sort=False)["name"]
    if not len(notes):
        return
    console.print()
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=8)
    grid.add_column()
    for i, (note, names) in enumerate(notes):
        why = Text(", ".join(map(str, names)) + ": ") + Text(str(note), style="dim")
        grid.add_row(Text(side if i == 0 else "", style="bold"), why)
    console.print(grid)


def _count(n: float) -> str:
    return f"{n:.0f}" if n < 1e6 else f"{n / 1e6:.3g}M"


def _number(value: float) -> str:
    """Three significant digits in at most eight places; four just below 1, where factors and probabilities lie."""
    if pd.isna(value):
        return MISSING
    return significant(value, 4 if 0.95 < value < 1 else 3).replace("e-0", "e-").replace("e+0", "e+")
