"""What each reference model reads of tapes: its name, the kind of evidence, and how tapes are reduced to it.

    own fills      orders and fills of ours, as they are
    market orders  kappa of tapes without own fills: how far other people's orders walk
    at touch       labels and markouts of tapes without own fills: hypothetical orders at the touch
    series         quotes, trades and signals
    features       moves, costs of touch fills, falls of open interest; costs at the touch where there are no own fills

Several parameters may come from one model, and several models read one kind, so that tapes are reduced once for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.learn.batch.events import Source, has_own_fills, shown_from
from mmresearch.models.features import feature_evidence
from mmresearch.models.fit import MODELLED, OF_FEATURES, OF_SERIES, FitError
from mmresearch.models.series import series_evidence
from mmresearch.tape.evidence import evidence
from mmresearch.tape.schema import Tape

Kind = Literal["own fills", "market orders", "at touch", "series", "features"]
Family = Literal["fills", "series", "features"]
#: Windows in which intensities may wander, in seconds.
WINDOW_S = 300.0
#: Kind -> the events shown of a tape that has no own fills.
_SHOWN: dict[Kind, Source] = {"market orders": "trades", "at touch": "at touch", "features": "at touch"}


def fittable() -> tuple[str, ...]:
    """Return the parameters of the catalogue that have a reference model, in the order of the tables."""
    return (*MODELLED, *OF_SERIES, *(name for name in OF_FEATURES if name in CATALOGUE))


def family_of(parameter: str) -> Family:
    """Return which evidence the model of a parameter reads: of fills, of series or of features."""
    return "fills" if parameter in MODELLED else "series" if parameter in OF_SERIES else "features"


def model_of(parameter: str) -> str:
    """Return the name of the reference model of a parameter.

    Raises
    ------
    FitError
        If it has none.
    """
    if parameter not in fittable():
        raise FitError(f"{parameter!r} has no reference model; there are {', '.join(fittable())}")
    return OF_SERIES.get(parameter, parameter)


def kind_of(parameter: str, tapes: Sequence[Tape]) -> Kind:
    """Return what the model of a parameter reads of these tapes.

    Parameters
    ----------
    parameter : str
        One that has a reference model.
    tapes : sequence of Tape
        One per asset.
    """
    if (family := family_of(parameter)) != "fills":
        return family
    if all(has_own_fills(tape) for tape in tapes):
        return "own fills"
    return "market orders" if parameter == "kappa" else "at touch"


def reduce_tapes(kind: Kind, tapes: Sequence[Tape], window_s: float = WINDOW_S) -> Any:
    """Reduce tapes to the evidence of a kind, one entry per tape.

    Parameters
    ----------
    kind : str
        From `kind_of`.
    tapes : sequence of Tape
        One per asset.
    window_s : float
        Length of the windows in seconds; series have none.

    Returns
    -------
    Evidence, SeriesEvidence or FeatureEvidence
    """
    if kind == "series":
        return series_evidence(tapes)
    shown = [tape if has_own_fills(tape) else shown_from(tape, _SHOWN[kind], 0) for tape in tapes]
    return feature_evidence(shown) if kind == "features" else evidence(shown, window_s=window_s)
