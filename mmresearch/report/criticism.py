"""A fitted model against its data: the tables of its criticism, and a figure of them.

Left, for each asset, how far the distribution function of its PIT values is from uniform, with the band that 95 % of
right models stay inside from end to end; right, each test quantity against the 95 % interval of its replicates, drawn
on the interval's own scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmresearch.models.criticism.criticism import Findings, findings
from mmresearch.models.fit import Fit
from mmresearch.report.style import BAND, GRID, INK, MUTED, PAPER, look, new_figure, quiet_axes
from mmresearch.report.verdicts import LOOKS

WIDTH_IN = 9.0
_ROW_IN, _LEAST_IN = 0.2, 2.6
_LEVEL, _SIMULATED, _GRID = 0.95, 2000, np.linspace(0.005, 0.995, 199)
#: Quantities further out, in half widths of their interval, are drawn at the edge.
_FAR = 4.0
#: Surprising PIT values that are named in the picture.
_NAMED = 4


@dataclass(frozen=True)
class Criticism:
    """What a fit looks like beside data; see `criticise`.

    Attributes
    ----------
    parameter : str
        What was fitted.
    table : DataFrame
        One row per asset and check: asset, check, value, low, high, p, surprising, why.
    loo : DataFrame
        One row per asset: rows, elpd, se, penalty, worst_khat, share_bad (of k-hat above .7).
    unit : str
        What a row is.
    """

    parameter: str
    table: pd.DataFrame
    loo: pd.DataFrame
    unit: str
    _found: Findings = field(repr=False)

    def plot(self) -> Figure:
        """Draw PIT values and test quantities; one line per asset and kind of value."""
        return criticism_figure(self.parameter, self._found)


def criticise(fit: Fit, evidence: Any, seed: int = 0, **options: Any) -> Criticism:
    """Check a fitted model against the data that it was fitted to.

    Parameters
    ----------
    fit : Fit
        From `mmresearch.models.fit.fit`, of either backend.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        That was fitted.
    seed : int
        Of what is randomised or replicated.
    **options
        ``draws``, how many are used; ``priors`` and ``segments``, if the fit was told any.

    Returns
    -------
    Criticism

    Raises
    ------
    EvidenceError
        If the evidence is of other assets than the fit.
    """
    found = findings(fit, evidence, seed=seed, **options)
    return Criticism(fit.parameter, found.table, found.loo, found.unit, found)


def criticism_figure(parameter: str, found: Findings) -> Figure:
    """Draw the findings on a model.

    Parameters
    ----------
    parameter : str
        Names the model in the title.
    found : Findings
        What was found.
    """
    checks = found.table[~found.table["check"].str.endswith(": PIT")]
    pits = list(found.pit.items())
    with look():
        height = max(_LEAST_IN, 0.7 + _ROW_IN * len(checks))
        figure = new_figure(WIDTH_IN, height)
        left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.15])
        _ecdf(left, pits, found.table)
        _intervals(right, checks)
        figure.suptitle(f"{parameter}: data against the model, row by row ({found.unit})", x=0.01, ha="left", size=9)
    return figure


def _ecdf(axes: Axes, pits: list, table: pd.DataFrame) -> None:
    """Distribution functions less the uniform one, over the half width of their band."""
    quiet_axes(axes, "both")
    shown = table.set_index(["asset", "check"])["surprising"]
    axes.fill_between([0, 1], -1, 1, color=BAND, alpha=0.45, lw=0)
    strange = []
    for (asset, part), u in pits:
        found = bool(shown.get((asset, f"{part}: PIT"), False))
        off = np.searchsorted(np.sort(u), _GRID, side="right") / u.size - _GRID
        y = off / (band(u.size) * np.sqrt(_GRID * (1 - _GRID)))
        axes.plot(_GRID, y, color=LOOKS["biased"].colour if found else MUTED, lw=1.3 if found else 0.8, alpha=0.9)
        if found:
            strange.append((float(np.abs(y).max()), f"{asset} {part}"))
    names = [name for _, name in sorted(strange, reverse=True)]
    more = f"\nand {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    if names:
        text = "surprising: " + "\n".join(names[:_NAMED]) + more
        axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", size=6.5, color=INK)
    axes.set(xlim=(0, 1), xlabel="probability of a smaller value (PIT)")
    axes.set_ylabel("excess of values below, in half widths of the band")
    axes.set_title("Distribution of PIT values; band: 95 % of right models")


@lru_cache(maxsize=256)
def band(size: int) -> float:
    """Half width, in root p(1 - p), that uniform samples leave at no p with probability .95 (by simulation).

    Parameters
    ----------
    size : int
        Values of a sample.
    """
    rng = np.random.default_rng(size)
    inside = np.diff(_GRID, prepend=0.0, append=1.0)
    counts = np.cumsum(rng.multinomial(size, inside, _SIMULATED), axis=1)[:, :-1]
    off = np.abs(counts / size - _GRID) / np.sqrt(_GRID * (1 - _GRID))
    return float(np.quantile(off.max(axis=1), _LEVEL))


def _intervals(axes: Axes, checks: pd.DataFrame) -> None:
    """Draw each quantity on the scale on which its interval is -1 to 1."""
    quiet_axes(axes)
    lines = checks.to_dict("records")
    for y, row in enumerate(lines):
        middle, half = 0.5 * (row["low"] + row["high"]), max(0.5 * (row["high"] - row["low"]), 1e-12)
        at = float(np.clip((row["value"] - middle) / half, -_FAR, _FAR))
        colour = LOOKS["biased"].colour if row["surprising"] else INK
        axes.plot([-1, 1], [y, y], color=BAND, lw=5, solid_capstyle="butt")
        marker = "o" if abs(at) < _FAR else (">" if at > 0 else "<")
        axes.plot(at, y, marker=marker, ms=4.5, mfc=colour if row["surprising"] else PAPER, mec=colour, ls="none")
    axes.axvline(0, color=GRID, lw=0.6, zorder=0)
    axes.set_yticks(range(len(lines)), [f"{row['asset']}  {row['check']}" for row in lines])
    axes.set(xlim=(-_FAR - 0.2, _FAR + 0.2), ylim=(len(checks) - 0.5, -0.5))
    axes.set_xlabel("in half widths of the replicates' 95 % interval")
    axes.set_title("Test quantities; filled: surprising")
