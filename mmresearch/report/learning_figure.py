"""The picture of learning: every row that has a truth, and how far the right belief and the deployed one are from it.

Left, estimate and 90 % interval over the truth; right, the error of the mean in standard deviations of the belief: a
good belief is near 1 on the left and within the band on the right. Factors and probabilities per second are compared
as rates, -ln of the value, because all of them are near 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from mmresearch.belief.catalogue import parameter
from mmresearch.report.files import write_file
from mmresearch.report.learning import learning_table
from mmresearch.report.style import GRID, INK, MUTED, PAPER, SAFE, look, new_figure, quiet_axes, to_png, to_svg
from mmresearch.report.verdicts import LOOKS
from mmresearch.sim.bundle import example, example_truths

WIDTH_IN = 9.6
_ROW_IN = 0.27
#: Ratios beyond these are drawn at the edge, as are estimates of the wrong sign.
LEAST_RATIO, MOST_RATIO = 0.02, 50.0
#: Errors of a mean, in sds, beyond which the axis ends.
SD_RANGE = (-1e4, 600.0)
_HALF_90 = 1.645
_SIDES = ("right", "deployed")
_COLOURS = {"right": LOOKS["certified"].colour, "deployed": LOOKS["biased"].colour}


@dataclass(frozen=True)
class Mark:
    """One belief beside its truth.

    Attributes
    ----------
    name, tape, side : str
        Row of the catalogue, tape, and "right" or "deployed".
    ratio, lo, hi : float
        Mean and ends of the interval over the truth, or of rates where the row is one.
    sds : float
        Error of the mean in sds of the belief; NaN where the belief has no width.
    n : float
        Events that it counts.
    """

    name: str
    tape: str
    side: str
    ratio: float
    lo: float
    hi: float
    sds: float
    n: float


def marks_of(tables: Mapping[str, pd.DataFrame]) -> list[Mark]:
    """Put beliefs beside truths; rows whose truth is unknown or zero, or whose estimate is missing, are left out.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tape -> its `learning_table`.
    """
    marks = []
    for tape, table in tables.items():
        for row in table.to_dict("records"):
            for side in _SIDES:
                if row["truth"] > 0 and np.isfinite(row[f"{side}_mean"]):
                    marks.append(_mark(tape, side, row))
    return marks


def _mark(tape: str, side: str, row: Mapping[Any, Any]) -> Mark:
    truth = row["truth"]
    mean, sd, lo, hi, n = (row[f"{side}_{x}"] for x in ("mean", "sd", "lo", "hi", "n"))
    sds = (mean - truth) / sd if sd > 0 else float("nan")
    if parameter(row["name"]).scaled_as == "rate":
        mean, lo, hi, truth = (-np.log(v) for v in (mean, hi, lo, truth))
    return Mark(row["name"], tape, side, mean / truth, lo / truth, hi / truth, sds, n)


def learning_forest(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw every row that has a truth on some tape; one line per tape, right above deployed.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tape -> its `learning_table`.

    Raises
    ------
    ValueError
        If no row has a truth.
    """
    marks = marks_of(tables)
    if not marks:
        raise ValueError("no row of these tables has a truth; pass truths to learning_table")
    known = {m.name for m in marks}
    names = [name for name in next(iter(tables.values()))["name"] if name in known]
    with look():
        figure = new_figure(WIDTH_IN, 0.9 + _ROW_IN * len(names))
        ratio, sds = figure.subplots(1, 2, sharey=True, width_ratios=[1.25, 1.0])
        for axes in (ratio, sds):
            quiet_axes(axes)
            for y in range(len(names)):
                axes.axhline(y + 0.5, color=GRID, lw=0.5, zorder=0)
        for y, name in enumerate(names):
            _row(ratio, sds, y, [m for m in marks if m.name == name])
        _ratio_axis(ratio)
        _sd_axis(sds)
        _name_rows(ratio, sds, names, marks)
        figure.legend(handles=_legend(), loc="outside upper left", ncols=4, borderaxespad=0.0)
    return figure


def _row(ratio: Axes, sds: Axes, y: int, marks: list[Mark]) -> None:
    for side, centre in (("right", -0.2), ("deployed", 0.2)):
        here = [m for m in marks if m.side == side]
        for mark, offset in zip(here, _apart(len(here)), strict=True):
            style = _style(mark)
            at = y + centre + offset
            ends = np.clip([mark.lo, mark.hi], LEAST_RATIO, MOST_RATIO)
            ratio.plot(ends, [at, at], color=style["mec"], lw=1.1, solid_capstyle="butt", zorder=2)
            ratio.plot([np.clip(mark.ratio, LEAST_RATIO, MOST_RATIO)], [at], **(style | _edge(mark)), zorder=3)
            if np.isfinite(mark.sds):
                sds.plot([np.clip(mark.sds, *SD_RANGE)], [at], **style, zorder=3)


def _apart(n: int) -> NDArray[np.float64]:
    """Offsets of the tapes of one row."""
    return np.linspace(-0.11, 0.11, n) if n > 1 else np.zeros(n)


def _style(mark: Mark) -> dict[str, Any]:
    colour = MUTED if mark.side == "deployed" and not mark.n else _COLOURS[mark.side]
    marker = "o" if mark.side == "right" else "D"
    filled = mark.n > 0 or mark.side == "right"
    return {"ls": "none", "marker": marker, "ms": 3.6 if marker == "o" else 3.1, "mew": 0.8, "mec": colour,
            "mfc": colour if filled else PAPER}  # fmt: skip


def _edge(mark: Mark) -> dict[str, Any]:
    """An arrow where the estimate lies beyond the axis."""
    if mark.ratio < LEAST_RATIO:
        return {"marker": "<", "ms": 4.5}
    return {"marker": ">", "ms": 4.5} if mark.ratio > MOST_RATIO else {}


def _ratio_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(LEAST_RATIO / 1.25, MOST_RATIO * 1.25)
    ticks = [0.02, 0.1, 0.5, 1.0, 2.0, 10.0, 50.0]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(1.0, color=INK, lw=0.9, zorder=1)
    axes.set_title("Is it in the right place?", fontweight="bold")
    axes.set_xlabel("estimate and 90 % interval, over the truth")


def _sd_axis(axes: Axes) -> None:
    axes.axvspan(-_HALF_90, _HALF_90, color=SAFE, lw=0, zorder=0)
    axes.set_xscale("symlog", linthresh=2.0, linscale=1.0)
    axes.set_xlim(*SD_RANGE)
    ticks = [-1e3, -100.0, -10.0, 0.0, 10.0, 100.0]
    axes.set_xticks(ticks, [f"{t:+g}" if t else "0" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(0.0, color=INK, lw=0.9, zorder=1)
    axes.set_title("Does it know how far off it is?", fontweight="bold")
    axes.set_xlabel("error of the mean, in its own sds")


def _name_rows(ratio: Axes, sds: Axes, names: list[str], marks: list[Mark]) -> None:
    """Write the names of the rows, and at the far end what each side counts on the first tape that has a truth."""
    labels = [f"{n} (rate)" if parameter(n).scaled_as == "rate" else n for n in names]
    ratio.set_yticks(range(len(names)), labels)
    ratio.set_ylim(len(names) - 0.5, -0.5)
    at_top, at_row = ("axes fraction", "axes fraction"), ("axes fraction", "data")
    sds.annotate("events counted", (1.31, 1.028), xycoords=at_top, ha="right", va="bottom", fontsize=6.6, color=MUTED)
    for x, side in ((1.14, "right"), (1.31, "deployed")):
        colour = _COLOURS[side]
        sds.annotate(side, (x, 1.006), xycoords=at_top, ha="right", va="bottom", fontsize=6.6, color=colour)
        for y, name in enumerate(names):
            n = next((m.n for m in marks if m.name == name and m.side == side), 0.0)
            text = f"{n:,.0f}" if n else "none"
            sds.annotate(
                text, (x, y), xycoords=at_row, ha="right", va="center", fontsize=6.6, color=INK if n else MUTED
            )


def _legend() -> list[Line2D]:
    def handle(side: str, n: float, label: str) -> Line2D:
        return Line2D([], [], **(_style(Mark("", "", side, 1.0, 1.0, 1.0, 0.0, n)) | {"ls": "-"}), label=label)

    made = [
        handle("right", 1, "right, 90 %"),
        handle("deployed", 1, "as deployed"),
        handle("deployed", 0, "as deployed, never taught"),
    ]
    for line in made:
        line.set_color(line.get_markeredgecolor())
        line.set_linewidth(1.1)
    made.append(
        Line2D([], [], ls="none", marker="<", ms=4.5, color=MUTED, label="beyond the axis, or of the wrong sign")
    )
    return made


def write_learning_figure(folder: str | Path) -> list[Path]:
    """Draw what the bundled tapes with every feature teach, as SVG and PNG, and ``manifest.json``; return the files."""
    truths = example_truths(features=True)
    figure = learning_forest({t.asset: learning_table(t, truths[t.asset]) for t in example(features=True)})
    files = [
        write_file(Path(folder) / "learning.svg", to_svg(figure, "learning")),
        write_file(Path(folder) / "learning.png", to_png(figure)),
    ]
    facts = {
        "made_by": "python -m mmresearch.report.learning_figure",
        "figures": dict.fromkeys((f.name for f in files), "mmresearch.report.learning_figure.learning_forest"),
        "data": sorted(truths),
    }
    return [*files, write_file(Path(folder) / "manifest.json", json.dumps(facts, indent=1) + "\n")]


if __name__ == "__main__":
    for path in write_learning_figure(sys.argv[1]):
        print(path)
