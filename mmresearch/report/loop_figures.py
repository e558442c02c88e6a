"""The picture of learning in the loop: regret of makers over time, in one market or in several, with its laws.

`loop_figure` draws one panel per setting, both axes logarithmic, so that a line of slope 1 loses for ever and a curve
that flattens stops losing; the band is the mean and two standard errors.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from mmresearch.report.figures import WIDTH_IN
from mmresearch.report.style import INK, MUTED, look, new_figure, quiet_axes
from mmresearch.sim.loop.regret import Curves

_COLOURS = ("#1f5a8a", "#c0562b", "#3f8f6b", "#7a5aa6", "#b08a1e", "#1b1f24", "#8a3b5c", "#4f9fbf")
#: Smallest distance between two labels at the right edge, decades per inch of height.
_APART = 0.13


def loop_figure(panels: Mapping[str, Curves], slope_guides: bool = True) -> Figure:
    """Draw regret against time.

    Parameters
    ----------
    panels : mapping of str to Curves
        Titles, and what `regret_curve` found; a maker keeps its colour across panels.
    slope_guides : bool
        Whether to draw a thin line of slope 1 beside the largest curve.

    Raises
    ------
    ValueError
        If there is no panel, or there are more makers than colours.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves.makers))
    if not panels or len(names) > len(_COLOURS):
        raise ValueError(f"one panel at least and {len(_COLOURS)} makers at most, got {len(panels)} and {len(names)}")
    colours = dict(zip(names, _COLOURS, strict=False))
    with look():
        figure = new_figure(WIDTH_IN, 3.5)
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        low, high = _reach(panels)
        for axes, (title, curves) in zip(grid, panels.items(), strict=True):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_ylim(low, high)
            quiet_axes(axes, "y")
            for name in curves.makers:
                _band(axes, curves, name, colours[name])
            _name_ends(axes, curves, colours)
            if slope_guides:
                _guide(axes, curves)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_locator(LogLocator(numticks=8))
            axes.set_xlabel("time, s")
            axes.set_title(title, fontweight="bold")
        grid[0].set_ylabel("expected regret against the oracle, bps × lot")
    return figure


def _reach(panels: Mapping[str, Curves]) -> tuple[float, float]:
    """Limits of regret over all panels, widened by a fifth of a decade."""
    means = [curves.regret.mean(axis=1) for curves in panels.values()]
    seen = np.concatenate([m[m > 0] for m in means])
    return float(seen.min()) / 10**0.2, float(seen.max()) * 10**0.2


def _band(axes: Axes, curves: Curves, name: str, colour: str) -> None:
    x = curves.of(name)
    mean, error = x.mean(axis=0), x.std(axis=0, ddof=1) / len(x) ** 0.5
    floor = axes.get_ylim()[0]
    axes.fill_between(
        curves.time_s,
        np.maximum(mean - 2 * error, floor),
        np.maximum(mean + 2 * error, floor),
        color=colour,
        alpha=0.18,
        lw=0,
    )
    axes.plot(curves.time_s, mean, color=colour, lw=1.4, label=name, zorder=3)


def _name_ends(axes: Axes, curves: Curves, colours: Mapping[str, str]) -> None:
    """Write each maker's name at the end of its curve, moved apart where they would meet."""
    ends = {name: float(np.log10(max(curves.of(name)[:, -1].mean(), axes.get_ylim()[0]))) for name in curves.makers}
    low, high = np.log10(axes.get_ylim())
    names = sorted(ends, key=ends.__getitem__)
    at = spread([ends[name] for name in names], _APART * (high - low) / 3.0)
    for name, height in zip(names, at, strict=True):
        axes.annotate(
            name, (curves.time_s[-1], 10**height), xytext=(4, 0), textcoords="offset points", va="center",
            color=colours[name], fontsize=6.6, annotation_clip=False,
        )  # fmt: skip


def spread(ends: list[float], apart: float) -> list[float]:
    """Move increasing heights apart: clusters of labels keep their mean.

    Parameters
    ----------
    ends : list of float
        Increasing.
    apart : float
        Smallest distance.
    """
    groups: list[list[float]] = []
    for end in ends:
        groups.append([end])
        while len(groups) > 1 and _foot(groups[-1], apart) < _foot(groups[-2], apart) + apart * len(groups[-2]):
            last = groups.pop()
            groups[-1] += last
    return [_foot(group, apart) + apart * i for group in groups for i in range(len(group))]


def _foot(group: list[float], apart: float) -> float:
    return sum(group) / len(group) - apart * (len(group) - 1) / 2


def _guide(axes: Axes, curves: Curves) -> None:
    """Draw slope 1 through twice the end of the largest curve, over the last decade and a half."""
    top = curves.regret.mean(axis=1)[:, -1].max()
    t = curves.time_s[-1] * np.array([10**-1.5, 10**-0.5])
    y = 2.0 * top * t / curves.time_s[-1]
    axes.plot(t, y, color=MUTED, lw=0.7, ls=(0, (3, 2)), zorder=2)
    axes.annotate("∝ T", (t[0], y[0]), xytext=(-3, 2), textcoords="offset points", ha="right", color=INK, fontsize=6.6)
