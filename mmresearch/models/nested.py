"""Nested versions of each reference model, from the assumptions of the conjugate shortcut to the full model.

    simplest  ->  + assumption 1  ->  + assumption 1 + assumption 2  ->  ...  ->  full

Each step sets one option of the model from the value that the shortcut supposes to the default of the model. All 2^k
combinations of the k steps are models, so that steps may be taken in any order: what an assumption costs depends on
which are given up already. The model at its defaults is the full version, so a fit of it is one that may be kept
already.

Steps are those that a shortcut leaves out and the model can do without. Where the model of a parameter is meaningless
without an assumption (a decay of excitation without excitation), it is no step of that parameter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mmresearch.learn.deployed.floor import OBSERVATION_VARIANCE
from mmresearch.models.fit import FitError
from mmresearch.models.inputs import model_of

Assumption = Literal[
    "censoring", "drift", "heavy tails", "label error", "overdispersion", "pooling", "self-excitation",
    "unknown variance",
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One assumption that is given up.

    Attributes
    ----------
    assumption : str
        What the richer model allows for.
    option : str
        Option of the model.
    simple, full : object
        Its value where the assumption holds, and in the full model.
    """

    assumption: Assumption
    option: str
    simple: Any = False
    full: Any = True


_POOLING = Step("pooling", "pooling")
_WINDOWS = Step("overdispersion", "overdispersion")
#: Parameter -> its steps, in the order in which the shortcut is usually mended: the noise first, the population last.
_STEPS: Mapping[str, tuple[Step, ...]] = {
    "alpha_touch": (Step("label error", "label_error"), _WINDOWS, _POOLING),
    "bocpd_hazard_rate": (Step("censoring", "censoring"), _POOLING),
    "hawkes_mu": (Step("self-excitation", "excitation"), _POOLING),
    "kalman_r": (Step("drift", "drift"), _POOLING),
    "kappa": (_WINDOWS, Step("drift", "window_effect"), _POOLING),
    "predictive_bias_sensitivity": (Step("unknown variance", "unit_scale", True, False), _POOLING),
    "proactive_skew_sensitivity": (Step("heavy tails", "noise", "normal", "student_t"), _POOLING),
    "spread_floor_bps": (
        Step("unknown variance", "scale_bps", float(np.sqrt(OBSERVATION_VARIANCE)), None),
        Step("overdispersion", "window_effect"),
        _POOLING,
    ),
    "toxic_hour_gamma_mult": (Step("overdispersion", "hour_effects"), _POOLING),
}


def steps(parameter: str) -> tuple[Step, ...]:
    """Return the assumptions between the shortcut of a parameter and its full model.

    Parameters
    ----------
    parameter : str
        One that has a reference model.

    Raises
    ------
    FitError
        If it has none.
    """
    model_of(parameter)
    return _STEPS.get(parameter, (_POOLING,))


def options_with(parameter: str, given_up: Collection[str]) -> dict[str, Any]:
    """Return the options of the version in which only some assumptions are given up.

    Parameters
    ----------
    parameter : str
        One that has a reference model.
    given_up : collection of str
        Assumptions of its steps; the others hold.

    Returns
    -------
    dict
        What the model is told beyond its defaults; empty for the full version.

    Raises
    ------
    FitError
        If the parameter has no model, or an assumption is none of its steps.
    """
    known = steps(parameter)
    if unknown := sorted(set(given_up) - {s.assumption for s in known}):
        there = ", ".join(s.assumption for s in known)
        raise FitError(f"{parameter} has no step {', '.join(unknown)}; there are {there}")
    return {s.option: s.simple for s in known if s.assumption not in given_up}


def versions(parameter: str, order: Sequence[str] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the nested versions of a parameter's model, from the simplest to the full one.

    Parameters
    ----------
    parameter : str
        One that has a reference model.
    order : sequence of str, optional
        Its assumptions in the order in which they are given up; that of `steps` by default.

    Returns
    -------
    list of (str, dict)
        Name ("simplest", then "+ " and the assumption), and what the model is told beyond its defaults; one more than
        there are steps.

    Raises
    ------
    FitError
        If the parameter has no model, or the order is not one of all its assumptions.
    """
    known = [str(s.assumption) for s in steps(parameter)]
    taken = known if order is None else list(order)
    if sorted(taken) != sorted(known):
        raise FitError(f"an order of {parameter} holds each of {', '.join(known)} once, got {', '.join(taken)}")
    names = ["simplest", *(f"+ {assumption}" for assumption in taken)]
    return [(name, options_with(parameter, taken[:i])) for i, name in enumerate(names)]


def nested_versions(parameter: str, order: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the nested versions of a parameter's model as a table.

    Parameters
    ----------
    parameter : str
        One that has a reference model.
    order : sequence of str, optional
        Its assumptions in the order in which they are given up.

    Returns
    -------
    DataFrame
        One row per version, indexed by ``step``: ``version``, and the value of each option in it.
    """
    full = {s.option: s.full for s in steps(parameter)}
    rows = [{"version": name, **full, **options} for name, options in versions(parameter, order)]
    return pd.DataFrame(rows, dtype=object).rename_axis("step")
