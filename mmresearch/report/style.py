"""One look for every figure: fonts, line widths and a palette that a page can turn dark.

Figures are drawn through matplotlib's objects, never through pyplot, so no global state changes. The palette holds
fixed hex colours; `themed` replaces them in an SVG by the custom properties of the page (``var(--ink)``), so that one
drawing serves a light and a dark page, and paper.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmresearch.report.verdicts import LOOKS, slug

INK, MUTED, GRID, BAND, PAPER = "#1b1f24", "#646c78", "#e2e5e9", "#c3cbd5", "#fefefe"
SAFE = "#e9f3ee"

_PROPERTIES = {INK: "--ink", MUTED: "--muted", GRID: "--line", BAND: "--band", PAPER: "--paper", SAFE: "--safe"}
_PROPERTIES |= {look.colour: f"--v-{slug(verdict)}" for verdict, look in LOOKS.items()}

#: Marker and whether it is filled, by verdict: shape tells them apart where colour does not.
MARKERS = {
    "not identified": ("v", True),
    "broken accounting": ("P", True),
    "wrong target": ("X", True),
    "biased": ("D", True),
    "overconfident": ("^", True),
    "undecided": ("s", False),
    "usable": ("o", False),
    "certified": ("o", True),
}

_RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 8.0,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.facecolor": "none",
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "xtick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.major.size": 0.0,
    "ytick.minor.size": 0.0,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "axes.unicode_minus": True,
    # Names of learners and assets are names, also with a dollar sign in them.
    "text.parse_math": False,
}


@contextmanager
def look() -> Iterator[None]:
    """Draw inside this context; the settings of the session are back afterwards."""
    settings: dict[Any, Any] = {**sns.plotting_context("paper"), **sns.axes_style("ticks"), **_RC}
    with mpl.rc_context(settings):
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """Make a figure that no window system and no pyplot knows of; sizes in inches."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def quiet_axes(axes: Axes, grid: str | None = "x") -> None:
    """Leave an axes with what carries information: one line, and a grid along one direction."""
    sns.despine(ax=axes, left=True)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(visible=True, axis=grid)  # type: ignore[arg-type]


def marker_style(verdict: str) -> dict[str, Any]:
    """Marker, face and edge colours of a verdict, as keywords of `Axes.plot`."""
    marker, filled = MARKERS[verdict]
    colour = LOOKS[verdict].colour
    return {"marker": marker, "mfc": colour if filled else PAPER, "mec": colour, "color": colour}


def to_svg(figure: Figure, name: str) -> str:
    """Write a figure as SVG text, the same bytes for the same drawing.

    Parameters
    ----------
    figure : Figure
        What was drawn.
    name : str
        Distinguishes its identifiers from those of other figures on a page.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def to_png(figure: Figure, dpi: int = 200) -> bytes:
    """Write a figure as PNG on white, the same bytes for the same drawing."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def themed(svg: str, name: str, label: str) -> str:
    """Make an SVG part of a page: colours of the page, identifiers of its own, and words for those who cannot see it.

    Parameters
    ----------
    svg : str
        From `to_svg`.
    name : str
        Prefix of the identifiers; one per figure of the page.
    label : str
        What the figure shows.
    """
    for colour, prop in _PROPERTIES.items():
        svg = re.sub(re.escape(colour), f"var({prop})", svg, flags=re.IGNORECASE)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    safe = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{safe}" ', 1)
