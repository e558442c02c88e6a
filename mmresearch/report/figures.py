"""The pictures of an audit: forest, shrinkage, and three scores against their bounds.

`forest` sets each learner's 90 % interval against the full model's, tape by tape. `shrinkage` shows what pooling did to
each tape's own estimate. `scores` shows bias and width against the reference and what they cost in bps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from mmresearch.audit.agreement import BIAS_BOUND_SD, SD_RATIO_BOUND
from mmresearch.audit.decision import TOLERANCE_BPS
from mmresearch.audit.result import Certificate, FitSummary
from mmresearch.report.grouping import LearnerResult, ParameterResult
from mmresearch.report.numbers import significant
from mmresearch.report.style import BAND, INK, MUTED, PAPER, SAFE, look, marker_style, new_figure, quiet_axes
from mmresearch.report.verdicts import LOOKS

WIDTH_IN = 9.6
_COLUMNS = 4
_ROW_IN = 0.2
#: Positive quantities that spread over more than this factor are drawn on a logarithmic axis.
_LOG_FROM = 12.0
#: Regrets below this many bps are drawn here: they are nothing.
_REGRET_FLOOR_BPS = 1e-3


def forest(group: ParameterResult) -> Figure | None:
    """Draw the learners' intervals over the full model's, one panel per learner, one row per tape.

    Parameters
    ----------
    group : ParameterResult
        The learners of one parameter.

    Returns
    -------
    Figure or None
        None if no learner was judged on a tape.
    """
    judged = [x for x in group.learners if any(c.reference_mean is not None for c in x.certificates)]
    if not judged:
        return None
    tapes = list(dict.fromkeys(c.tape or "" for x in judged for c in x.certificates))
    rows = math.ceil(len(judged) / _COLUMNS)
    columns = math.ceil(len(judged) / rows)
    with look():
        width = WIDTH_IN * (1.0 if columns > 2 else (0.45, 0.75)[columns - 1])
        figure = new_figure(width, rows * (0.62 + _ROW_IN * len(tapes)) + 0.5)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, learner in zip(grid.flat, judged, strict=False):
            _forest_panel(axes, learner, tapes)
        for axes in list(grid.flat)[len(judged) :]:
            axes.set_visible(False)
        _value_axis(grid[0, 0], [c for x in judged for c in x.certificates])
        for axes in [grid[(len(judged) - 1 - j) // columns, j] for j in range(columns)]:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(f"{group.parameter}, {group.unit}")
        figure.legend(handles=_forest_legend(judged), loc="outside upper left", ncols=3, borderaxespad=0.0)
    return figure


def _forest_panel(axes: Axes, learner: LearnerResult, tapes: Sequence[str]) -> None:
    quiet_axes(axes)
    for c in learner.certificates:
        y = tapes.index(c.tape or "")
        if c.reference_lo is not None and c.reference_hi is not None and c.reference_mean is not None:
            axes.plot([c.reference_lo, c.reference_hi], [y, y], color=BAND, lw=7, solid_capstyle="butt", zorder=1)
            axes.plot([c.reference_mean], [y], "|", color=MUTED, ms=7, mew=1.0, zorder=2)
        style = marker_style(c.verdict)
        axes.plot([c.lo, c.hi], [y, y], color=style["color"], lw=1.3, zorder=3)
        axes.plot([c.mean], [y], ls="none", ms=4.5, mew=1.0, zorder=4, **style)
        if c.truth is not None:
            axes.plot([c.truth], [y + 0.36], marker="^", ms=3.2, mew=0.0, color=INK, zorder=5)
    axes.set_yticks(range(len(tapes)), tapes)
    axes.set_ylim(len(tapes) - 0.4, -0.6)
    axes.set_title(learner.name, fontweight="bold", pad=13)
    line = "  ".join(f"{LOOKS[v].symbol} {v}" + (f" {n}" if len(learner.counts) > 1 else "") for v, n in _top(learner))
    axes.annotate(
        line, (0, 1), xytext=(0, 4), xycoords="axes fraction", textcoords="offset points", fontsize=6.6,
        color=LOOKS[learner.verdict].colour,
    )  # fmt: skip


def _top(learner: LearnerResult) -> list[tuple[str, int]]:
    """List the two commonest verdicts, the worst first."""
    return list(learner.counts.items())[:2]


def _forest_legend(learners: Iterable[LearnerResult]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=BAND, lw=7, solid_capstyle="butt", marker="|", mec=MUTED, ms=7, label="full model, 90 %"),
        Line2D([], [], color=INK, lw=1.3, marker="o", ms=4.5, label="learner, 90 %; marker by verdict"),
    ]
    if any(c.truth is not None for x in learners for c in x.certificates):
        handles.append(Line2D([], [], ls="none", marker="^", ms=4, color=INK, mew=0, label="truth"))
    return handles


def _value_axis(axes: Axes, certificates: Sequence[Certificate]) -> None:
    """Choose the scale: logarithmic if positive values spread far; extremes of no use are cut at the edge."""
    raw = [v for c in certificates for v in (c.lo, c.hi, c.mean, c.reference_lo, c.reference_hi, c.truth)]
    values = np.array([v for v in raw if v is not None and math.isfinite(v)])
    axes.margins(x=0.06)
    if values.size and values.min() > 0 and values.max() / values.min() > _LOG_FROM:
        axes.set_xscale("log")
        _log_ticks(axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))


def _log_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    few = math.log10(high / low) < 2.2
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: significant(v, 2)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def shrinkage(group: ParameterResult) -> Figure | None:
    """Draw how pooling moved each tape's own estimate, one panel per source of events.

    Parameters
    ----------
    group : ParameterResult
        Its fits are the data; of two backends the first is drawn.

    Returns
    -------
    Figure or None
        None if no fit brings estimates of single tapes.
    """
    fits = list({f.source: f for f in reversed(group.fits) if f.unpooled and len(f.assets) > 1}.values())[::-1]
    if not fits:
        return None
    tallest = max(len(f.assets) for f in fits)
    with look():
        figure = new_figure(WIDTH_IN * min(1.0, 0.5 * len(fits)), 1.15 + 0.19 * tallest)
        for axes, fit in zip(figure.subplots(1, len(fits), squeeze=False)[0], fits, strict=True):
            _shrinkage_panel(axes, fit)
            axes.set_xlabel(f"{group.parameter}, {group.unit}")
        handles = [
            Line2D([], [], ls="none", marker="o", mfc=PAPER, mec=MUTED, ms=4.5, label="tape alone"),
            Line2D([], [], color=INK, marker="o", ms=4.5, label="hierarchical, ± 1 sd"),
            Line2D([], [], color=MUTED, ls=(0, (2, 2)), lw=0.8, label="mean of the tapes"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, borderaxespad=0.0)
    return figure


def _shrinkage_panel(axes: Axes, fit: FitSummary) -> None:
    quiet_axes(axes)
    order = np.argsort(fit.means)
    for y, i in enumerate(order):
        mean, sd, alone = fit.means[i], fit.sds[i], fit.unpooled[i]
        axes.plot([mean - sd, mean + sd], [y, y], color=INK, lw=1.2, zorder=2)
        if math.isfinite(alone):
            arrow = {"arrowstyle": "-", "color": MUTED, "lw": 0.8}
            axes.annotate("", (mean, y + 0.0), (alone, y - 0.3), arrowprops=arrow, zorder=1)
            axes.plot([alone], [y - 0.3], "o", mfc=PAPER, mec=MUTED, ms=4, mew=0.9, zorder=3)
        axes.plot([mean], [y], "o", color=INK, ms=4, zorder=4)
    axes.axvline(float(np.mean(fit.means)), color=MUTED, ls=(0, (2, 2)), lw=0.8, zorder=0)
    axes.set_yticks(range(len(order)), [fit.assets[i] for i in order])
    axes.set_ylim(len(order) - 0.4, -0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_title(f"{fit.source}, {fit.parameterisation}, {fit.backend}", color=MUTED)


def scores(group: ParameterResult) -> Figure | None:
    """Draw bias, width and cost of every learner, one mark per tape, with the region that passes shaded.

    Parameters
    ----------
    group : ParameterResult
        The learners of one parameter.

    Returns
    -------
    Figure or None
        None if no learner was judged on a tape.
    """
    judged = [x for x in group.learners if any(c.sd_ratio is not None for c in x.certificates)]
    if not judged:
        return None
    with look():
        figure = new_figure(WIDTH_IN, 0.85 + 0.34 * len(judged))
        bias, width, cost = figure.subplots(1, 3, sharey=True)
        for axes, field in ((bias, "bias_sd"), (width, "sd_ratio"), (cost, "regret_bps")):
            quiet_axes(axes)
            for y, learner in enumerate(judged):
                _marks(axes, learner, field, y)
        _bias_axis(bias)
        _width_axis(width, [c.sd_ratio for x in judged for c in x.certificates if c.sd_ratio is not None])
        _cost_axis(cost)
        bias.set_yticks(range(len(judged)), [x.name for x in judged])
        bias.set_ylim(len(judged) - 0.45, -0.55)
    return figure


def _marks(axes: Axes, learner: LearnerResult, field: str, y: int) -> None:
    known = [c for c in learner.certificates if getattr(c, field) is not None]
    for c, offset in zip(known, _spread(len(known)), strict=True):
        value = float(getattr(c, field))
        if field == "regret_bps":
            value = max(value, _REGRET_FLOOR_BPS)
        axes.plot([value], [y + offset], ls="none", ms=4.0, mew=0.9, zorder=3, **marker_style(c.verdict))


def _spread(n: int) -> NDArray[np.float64]:
    """Offsets that keep the marks of one row apart, in the order of the tapes."""
    return np.linspace(-0.24, 0.24, n) if n > 1 else np.zeros(n)


def _bias_axis(axes: Axes) -> None:
    axes.axvspan(-BIAS_BOUND_SD, BIAS_BOUND_SD, color=SAFE, lw=0, zorder=0)
    axes.set_xscale("symlog", linthresh=1.0, linscale=1.0)
    reach = max(1.0, *(abs(v) for v in axes.get_xlim()))
    decades = [10.0**k for k in range(math.ceil(math.log10(reach)) + 1)]
    step = max(1, math.ceil(len(decades) / 3))
    ticks = decades[::step]
    axes.set_xlim(-reach * 1.25, reach * 1.25)
    shown = [v for v in (*(-t for t in reversed(ticks)), 0.0, *ticks) if abs(v) <= reach * 1.25]
    axes.set_xticks(shown, [f"{v:+g}" if v else "0" for v in shown])
    axes.set_xticks([], minor=True)
    axes.set_title("Is it in the right place?", fontweight="bold")
    axes.set_xlabel("difference of means, in reference sd")


def _width_axis(axes: Axes, values: Sequence[float]) -> None:
    axes.axvspan(SD_RATIO_BOUND, 1e3, color=SAFE, lw=0, zorder=0)
    axes.axvline(1.0, color=MUTED, lw=0.8, ls=(0, (2, 2)), zorder=1)
    axes.set_xscale("log")
    low, high = min([0.5, *values]) / 1.15, max([1.5, *values]) * 1.15
    axes.set_xlim(low, high)
    wanted = [v for v in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 3, 10, 30, 100) if low <= v <= high]
    ticks = wanted if len(wanted) <= 6 else [v for v in wanted if v not in (0.5, 0.8, 1.5)]
    axes.set_xticks(ticks, [significant(v, 1) if v != 1.5 else "1.5" for v in ticks])
    axes.set_xticks([], minor=True)
    axes.set_title("Does it know how little it knows?", fontweight="bold")
    axes.set_xlabel("claimed sd over reference sd")


def _cost_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    high = max(1.0, axes.get_xlim()[1]) * 1.3
    axes.axvspan(_REGRET_FLOOR_BPS / 2, TOLERANCE_BPS, color=SAFE, lw=0, zorder=0)
    axes.axvline(TOLERANCE_BPS, color=MUTED, lw=0.8, ls=(0, (2, 2)), zorder=1)
    axes.set_xlim(_REGRET_FLOOR_BPS / 2, high)
    ticks = [10.0**k for k in range(-3, math.floor(math.log10(high)) + 1)]
    axes.set_xticks(ticks, ["≤ .001", *(significant(t, 1) for t in ticks[1:])])
    axes.set_xticks([], minor=True)
    axes.set_title("What does it cost?", fontweight="bold")
    axes.set_xlabel(f"regret, bps per unit traded (tolerance {TOLERANCE_BPS:g})")
