"""What a reference model believes before any data, as a table, a sentence and a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmresearch.belief.catalogue import parameter as catalogue_row
from mmresearch.models.criticism.prior_predictive import PriorDraws, prior_draws, statement
from mmresearch.report.style import BAND, INK, MUTED, SAFE, look, new_figure, quiet_axes
from mmresearch.report.verdicts import LOOKS

WIDTH_IN, _HEIGHT_IN = 9.0, 2.6
#: Values beyond these quantiles are not drawn; a positive one that spans this factor is drawn on a log axis.
_SHOWN, _WIDE = (0.005, 0.995), 30.0
_BINS = 50


@dataclass(frozen=True)
class PriorPredictive:
    """The hyperpriors in words and numbers; see `prior_predictive`.

    Attributes
    ----------
    parameter : str
        Which.
    statement : str
        Share of new assets where no truth was found.
    table : DataFrame
        One row per quantity: quantity, low, median, high, observed, below.
    """

    parameter: str
    statement: str
    table: pd.DataFrame
    _found: PriorDraws = field(repr=False)

    def plot(self) -> Figure:
        """Draw a new asset's parameter against its plausible range, and replicated data against those at hand."""
        return prior_figure(self.parameter, self._found)


def prior_predictive(parameter: str, evidence: Any, seed: int = 0, **options: Any) -> PriorPredictive:
    """Look at what the hyperpriors of a reference model say.

    Parameters
    ----------
    parameter : str
        A parameter of the catalogue that has a reference model.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        Gives the assets, and how much data there is.
    seed : int
        Of the draws.
    **options
        ``draws``, how many; and options of the model, such as ``priors``.

    Raises
    ------
    EvidenceError
        If the parameter has no reference model.
    """
    found = prior_draws(parameter, evidence, seed=seed, **options)
    return PriorPredictive(parameter, statement(parameter, found), found.table(), found)


def prior_figure(parameter: str, found: PriorDraws) -> Figure:
    """Draw the hyperpriors of a model.

    Parameters
    ----------
    parameter : str
        Names the row of the catalogue.
    found : PriorDraws
        Draws.
    """
    names = list(found.replicated)
    with look():
        figure = new_figure(WIDTH_IN, _HEIGHT_IN)
        axes = figure.subplots(1, 1 + len(names), squeeze=False)[0]
        low, high = found.plausible
        axes[0].axvspan(low, high, color=SAFE, lw=0)
        _histogram(axes[0], found.values)
        axes[0].set(xlabel=catalogue_row(parameter).unit, title="A new asset; shaded: where truths are found")
        for one, name in zip(axes[1:], names, strict=True):
            _histogram(one, found.replicated[name][:-1])
            one.axvline(found.replicated[name][-1], color=LOOKS["biased"].colour, lw=1.4)
            one.set(xlabel=f"mean of {name}", title="Replicated data; line: those at hand")
        figure.suptitle(f"{parameter} before any data", x=0.01, ha="left", size=9)
    return figure


def _histogram(axes: Axes, values: np.ndarray) -> None:
    quiet_axes(axes)
    low, high = np.quantile(values, _SHOWN)
    logarithmic = low > 0 and high / low > _WIDE
    edges = np.geomspace(low, high, _BINS) if logarithmic else np.linspace(low, max(high, low + 1e-12), _BINS)
    axes.hist(values, edges.tolist(), color=BAND, edgecolor=MUTED, lw=0.3)
    axes.axvline(float(np.median(values)), color=INK, lw=0.8, ls=":")
    if logarithmic:
        axes.set_xscale("log")
    axes.set_yticks([])
