"""Every figure of an audit, drawn once: for the page, for the folder of figures, for a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from matplotlib.figure import Figure

from mmresearch.audit.result import Audit
from mmresearch.report.figures import WIDTH_IN, forest, scores, shrinkage
from mmresearch.report.grouping import ParameterResult, by_parameter
from mmresearch.report.style import to_png, to_svg

#: Kind of figure -> its function, in the order in which a page shows them.
KINDS: Mapping[str, Callable[[ParameterResult], Figure | None]] = MappingProxyType(
    {"forest": forest, "scores": scores, "shrinkage": shrinkage}
)


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes
    ----------
    parameter, kind : str
        What it shows, and which of `KINDS` it is.
    svg : str
        The figure as SVG.
    share : float
        Its width as a share of the page.
    png : bytes
        The figure as PNG; empty if that was not asked for.
    """

    parameter: str
    kind: str
    svg: str
    share: float
    png: bytes = b""

    @property
    def name(self) -> str:
        """Name of the file without its ending, and identifier on the page."""
        return f"{self.parameter}-{self.kind}"


def draw(audit: Audit, png: bool = False) -> Sequence[Drawing]:
    """Draw every figure that the audit has data for; equal audits give equal bytes.

    Parameters
    ----------
    audit : Audit
        What was found.
    png : bool
        Whether to make PNGs too.
    """
    drawn = []
    for group in by_parameter(audit):
        for kind, function in KINDS.items():
            figure = function(group)
            if figure is not None:
                svg = to_svg(figure, f"{group.parameter}-{kind}")
                share = figure.get_figwidth() / WIDTH_IN
                drawn.append(Drawing(group.parameter, kind, svg, share, to_png(figure) if png else b""))
    return drawn
