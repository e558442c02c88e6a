"""Two pictures of the market-making model: exact quotes over inventory and time, and what wrong parameters cost.

`quotes_figure` sets the exact quotes beside the closed form, over inventory and towards the horizon. `regret_figure`
maps the long-run loss over errors in A and kappa, one panel per risk aversion.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import table
from mmresearch.quote.glft.regret import RegretMap, regret_map
from mmresearch.report.figures import WIDTH_IN
from mmresearch.report.files import write_file
from mmresearch.report.style import INK, MUTED, look, new_figure, quiet_axes, to_png, to_svg

#: Times to the horizon, as shares of it, and inventories, as shares of the largest: curves that are drawn.
_TIMES, _INVENTORIES = (1.0, 0.05, 0.01, 0.0), (-0.5, -0.2, 0.0, 0.2, 0.5)
#: Regrets, as shares of the growth, at which contours are drawn.
_LEVELS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
#: Market of the pictures that are written: ticks and seconds.
_PAPER: dict[str, Any] = {"sigma": 0.3, "A": 0.9, "k": 0.3, "gamma": 0.01, "T": 600.0, "Q": 30}
#: Distances between ticks, times a power of ten.
_ROUND = (1, 2, 5, 10)
_CURVES = ("#1f5a8a", "#4f8fbf", "#8db8d8", "#b9cfe0")
_COST = LinearSegmentedColormap.from_list("cost", ["#fefefe", "#edf3f8", "#d5e3ee", "#b5cfe2", "#8fb5d1", "#6b9abf"])


def quotes_figure(model: Model, unit: str = "bps") -> Figure:
    """Draw the exact quotes of one market.

    Parameters
    ----------
    model : Model
        Parameters, numbers; gamma and sigma above 0, no impact.
    unit : str
        Unit of price, for the labels.
    """
    with look():
        figure = new_figure(WIDTH_IN, 3.6)
        over_q, over_t = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        _over_inventory(over_q, model)
        _over_time(over_t, model)
        over_q.set_ylabel(f"depth from the mid, {unit}")
        over_t.set_ylabel(f"depth of the bid, {unit}")
    return figure


def _over_inventory(axes: Axes, model: Model) -> None:
    quiet_axes(axes, "y")
    q = model.lot * model.lots()
    for share, colour in zip(_TIMES, _CURVES, strict=True):
        found = table(model, "exact", share * model.T)
        label = f"{share * model.T:g} s left" if share else "at the end"
        axes.plot(q[:-1], found.bid[:-1], color=colour, lw=1.5, label=label, zorder=3)
        axes.plot(q[1:], found.ask[1:], color=colour, lw=1.5, ls=(0, (4, 1.5)), zorder=3)
    closed = table(model, "closed")
    axes.plot(q[:-1], closed.bid[:-1], color=INK, lw=0.8, ls=":", label="closed form", zorder=2)
    axes.plot(q[1:], closed.ask[1:], color=INK, lw=0.8, ls=":", zorder=2)
    axes.set_xlim(q[0], q[-1])
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=_ROUND))
    axes.set_xlabel("inventory")
    axes.set_title("Over inventory: bids solid, asks dashed", fontweight="bold")
    axes.legend(loc="upper center", ncols=1)


def _over_time(axes: Axes, model: Model) -> None:
    quiet_axes(axes, "y")
    left = np.linspace(1.0, 0.0, 241) * float(model.T)
    found = table(model, "exact", left)
    now = float(model.T) - left
    for share in _INVENTORIES:
        j = round(share * model.Q)
        path, colour = found.bid[:, model.Q + j], INK if j == 0 else _CURVES[0 if j > 0 else 1]
        axes.plot(now, path, color=colour, lw=1.5, zorder=3)
        axes.annotate(
            f"q = {model.lot * j:+g}" if j else "q = 0", (0.0, path[0]), xytext=(3, 3), va="bottom",
            textcoords="offset points", color=colour, fontsize=7.0,
        )  # fmt: skip
    axes.axhline(float(model.base), color=MUTED, lw=0.8, ls=(0, (2, 2)), zorder=1)
    axes.annotate(
        "without inventory risk", (0.0, float(model.base)), xytext=(3, -3), va="top", textcoords="offset points",
        color=MUTED, fontsize=6.6,
    )  # fmt: skip
    axes.set_xlim(0.0, float(model.T))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=_ROUND))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.set_xlabel("time, s")
    axes.set_title("Towards the horizon", fontweight="bold")


def regret_figure(found: RegretMap) -> Figure:
    """Draw the long-run loss of plug-in quotes, as a share of what the exact ones gain.

    Parameters
    ----------
    found : RegretMap
        From `regret_map`, with logarithmically spaced ratios.
    """
    with look():
        panels = len(found.gamma)
        figure = new_figure(WIDTH_IN, 0.55 + 0.95 * WIDTH_IN / max(panels, 2))
        grid = figure.subplots(1, panels, sharex=True, sharey=True, squeeze=False)[0]
        for axes, gamma, loss in zip(grid, found.gamma, found.fraction, strict=True):
            filled = _regret_panel(axes, found, loss)
            axes.set_title(f"γ = {gamma:g}", fontweight="bold")
            axes.set_xlabel("believed κ over true κ")
        grid[0].set_ylabel("believed A over true A")
        bar = figure.colorbar(filled, ax=grid, location="bottom", aspect=50, shrink=0.6, pad=0.03)
        bar.set_ticks(list(_LEVELS), labels=[_percent(x) for x in _LEVELS])
        bar.ax.xaxis.set_minor_locator(NullLocator())
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.set_label("certainty equivalent lost per second, share of the exact policy's")
    return figure


def _regret_panel(axes: Axes, found: RegretMap, loss: np.ndarray) -> QuadContourSet:
    low, high = _LEVELS[0] / 3.0, 1.0
    shown, ends = np.clip(loss, low, high), np.geomspace(low, high, 22)
    filled = axes.contourf(found.kappa_ratio, found.A_ratio, shown, levels=ends, norm=LogNorm(low, high), cmap=_COST)
    lines = axes.contour(found.kappa_ratio, found.A_ratio, loss, levels=_LEVELS, colors=INK, linewidths=0.6)
    axes.clabel(lines, fmt=_percent, fontsize=6.4)
    axes.plot([1.0], [1.0], "+", color=INK, ms=7, mew=1.0)
    for set_scale, axis, ratios in (
        (axes.set_xscale, axes.xaxis, found.kappa_ratio),
        (axes.set_yscale, axes.yaxis, found.A_ratio),
    ):
        set_scale("log")
        axis.set_major_locator(FixedLocator(_ratio_ticks(ratios)))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axis.set_minor_locator(NullLocator())
    axes.spines[["top", "right"]].set_visible(False)
    return filled


def _ratio_ticks(ratios: np.ndarray) -> list[float]:
    return [t for t in (0.1, 0.2, 0.5, 0.7, 1.0, 1.4, 2.0, 5.0, 10.0) if ratios.min() <= t <= ratios.max()]


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def write_glft_figures(folder: str | Path) -> list[Path]:
    """Write both pictures of the paper's market, as SVG and PNG, and ``manifest.json``; return the files.

    The market is that of Gueant, Lehalle and Fernandez-Tapia (2013), figures 1 to 3, in ticks.
    """
    ratios = np.geomspace(0.4, 2.5, 64)
    drawn = {
        "quotes": quotes_figure(Model(**_PAPER), "ticks"),
        "regret": regret_figure(regret_map(Model(**_PAPER), ratios, ratios, [0.001, 0.01, 0.1])),
    }
    written: list[Path] = []
    functions: dict[str, str] = {}
    for name, figure in drawn.items():
        functions |= {f"{name}.{kind}": f"mmresearch.report.glft_figures.{name}_figure" for kind in ("svg", "png")}
        written.append(write_file(Path(folder) / f"{name}.svg", to_svg(figure, f"glft-{name}")))
        written.append(write_file(Path(folder) / f"{name}.png", to_png(figure)))
    facts = {"made_by": "python -m mmresearch.report.glft_figures", "figures": functions, "parameters": _PAPER}
    return [*written, write_file(Path(folder) / "manifest.json", json.dumps(facts, indent=1) + "\n")]


if __name__ == "__main__":
    for path in write_glft_figures(sys.argv[1]):
        print(path)
