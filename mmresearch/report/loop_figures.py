"""Pictures of learning in the loop: regret of makers over time, in one market or in several, with its laws.

`loop_figure` draws one panel per setting, both axes logarithmic, so that a line of slope 1 loses for ever and a curve
that flattens stops losing; the band is the mean and two standard errors. `growth_figure` sets everyone beside those who
stop losing, whose regret over the logarithm of time is a straight line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from mmresearch.report.figures import WIDTH_IN
from mmresearch.report.files import write_file
from mmresearch.report.style import INK, MUTED, look, new_figure, quiet_axes, to_png, to_svg
from mmresearch.sim.loop.regret import Curves, Floats
from mmresearch.sim.loop.study import MARKETS, OTHERS, SEED, SETTING, study

_COLOURS = ("#1f5a8a", "#c0562b", "#3f8f6b", "#7a5aa6", "#b08a1e", "#1b1f24", "#8a3b5c", "#4f9fbf")
#: Smallest distance between two labels at the right edge, decades per inch of height.
_APART = 0.13
#: Panels at the right of the picture that is written, by group of the study.
_TITLES = {
    "A learned": "A learned: straight in ln T at the end",
    "A known": "A known: the broken line is ln T/(2κ(1 + κc)²)",
}


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
            _quiet_log_axis(axes)
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


def _name_ends(axes: Axes, curves: Curves, colours: Mapping[str, str], height_in: float = 3.0) -> None:
    """Write each maker's name at the end of its curve, moved apart where they would meet."""
    scale = axes.yaxis.get_transform()
    low, high = scale.transform(np.array(axes.get_ylim()))
    means = [max(curves.of(name)[:, -1].mean(), axes.get_ylim()[0]) for name in curves.makers]
    ends = dict(zip(curves.makers, scale.transform(np.array(means)).tolist(), strict=True))
    names = sorted(ends, key=ends.__getitem__)
    at = scale.inverted().transform(np.array(spread([ends[name] for name in names], _APART * (high - low) / height_in)))
    for name, height in zip(names, at, strict=True):
        axes.annotate(
            name, (curves.time_s[-1], height), xytext=(4, 0), textcoords="offset points", va="center",
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


def growth_figure(
    curves: Curves, straight: Mapping[str, Sequence[str]], slopes: Mapping[str, float] | None = None
) -> Figure:
    """Draw everyone on logarithmic axes, and beside them those who stop losing, over the logarithm of time.

    Parameters
    ----------
    curves : Curves
        What `regret_curve` found.
    straight : mapping of str to sequence of str
        Titles and makers of the panels at the right, one above the other.
    slopes : mapping of str to float, optional
        By title: regret per unit of ln T (bps x lot), drawn as a broken line through the end of the lowest curve.

    Raises
    ------
    ValueError
        If there is no panel at the right, there are more makers than colours, or a maker is not there.
    """
    panels = {title: curves.only(names) for title, names in straight.items()}
    if not panels or len(curves.makers) > len(_COLOURS):
        raise ValueError(
            f"one panel at least and {len(_COLOURS)} makers at most, got {len(panels)} and {len(curves.makers)}"
        )
    colours = dict(zip(curves.makers, _COLOURS, strict=False))
    with look():
        figure = new_figure(WIDTH_IN, 3.8)
        everyone, *few = figure.subplot_mosaic([["everyone", f"{i}"] for i in range(len(panels))]).values()
        everyone.set_yscale("log")
        everyone.set_ylim(*_reach({"": curves}))
        _growth_panel(everyone, "Everyone", curves, colours, 3.3)
        _guide(everyone, curves)
        for axes, (title, near) in zip(few, panels.items(), strict=True):
            axes.set_ylim(0.0, 1.08 * float(_upper(near).max()))
            _growth_panel(axes, title, near, colours, 3.3 / len(few) - 0.4)
            if slopes and title in slopes:
                _log_guide(axes, near, slopes[title])
        for axes in few[:-1]:
            axes.set_xlabel("")
        everyone.set_ylabel("expected regret against the oracle, bps × lot")
    return figure


def _growth_panel(axes: Axes, title: str, curves: Curves, colours: Mapping[str, str], height_in: float) -> None:
    axes.set_xscale("log")
    quiet_axes(axes, "y")
    for name in curves.makers:
        _band(axes, curves, name, colours[name])
    _name_ends(axes, curves, colours, height_in)
    _quiet_log_axis(axes)
    axes.set_title(title, fontweight="bold")


def _upper(curves: Curves) -> Floats:
    x = curves.regret
    return x.mean(axis=1) + 2 * x.std(axis=1, ddof=1) / x.shape[1] ** 0.5


def _quiet_log_axis(axes: Axes) -> None:
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.set_xlabel("time, s")


def _log_guide(axes: Axes, curves: Curves, slope: float) -> None:
    """Draw slope ln T through the end of the lowest curve."""
    end = float(curves.regret.mean(axis=1)[:, -1].min())
    t = curves.time_s[-1] * np.array([np.exp(-end / slope), 1.0])
    t[0] = max(t[0], curves.time_s[0])
    axes.plot(t, end + slope * np.log(t / t[1]), color=MUTED, lw=0.9, ls=(0, (3, 2)), zorder=4)


def write_loop_figures(folder: str | Path, **size: int) -> list[Path]:
    """Run `mmresearch.sim.loop.study`, draw it, write its numbers and ``manifest.json``; return the files.

    ``regret.csv`` has mean and standard error by maker and time, ``growth.csv`` the ends and the laws of growth. At the
    usual size some 3e7 intervals for each of eleven makers: a minute or two.

    Parameters
    ----------
    folder : path
        Where.
    **size : int
        `replications`, `intervals` and `looks` of `study`.
    """
    found = study(**size)
    shown = found.curves.only([name for group, names in found.groups.items() if group != "options" for name in names])
    straight = {title: found.groups[group] for group, title in _TITLES.items()}
    figure = growth_figure(shown, straight, {_TITLES["A known"]: found.best_slope})
    target = Path(folder)
    files = [
        write_file(target / "regret.svg", to_svg(figure, "loop-regret")),
        write_file(target / "regret.png", to_png(figure)),
        write_file(target / "regret.csv", found.curves.table().to_csv(index=False, float_format="%.6g")),
        write_file(target / "growth.csv", found.table().to_csv(index=False, float_format="%.6g")),
    ]
    facts = {
        "made_by": "python -m mmresearch.report.loop_figures",
        "figures": {f"regret.{kind}": "mmresearch.report.loop_figures.growth_figure" for kind in ("svg", "png")},
        "numbers": ["regret.csv", "growth.csv"],
        "seed": SEED,
        "parameters": {
            "setting": asdict(SETTING), "markets": MARKETS, "other_assets": OTHERS,
            "replications": len(found.truth.A), "intervals": found.intervals,
        },
    }  # fmt: skip
    return [*files, write_file(target / "manifest.json", json.dumps(facts, indent=1) + "\n")]


if __name__ == "__main__":
    for path in write_loop_figures(sys.argv[1]):
        print(path)
