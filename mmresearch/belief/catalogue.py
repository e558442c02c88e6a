"""The catalogue: 25 numbers, what each is, in which unit, from what prior, by what evidence, for whom.

The rows are `catalogue.toml`. Metric names, command-line choices, priors and parametrised tests come from here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from mmresearch.belief.families import FIRMNESS, Family, family_from_mean

Kind = Literal["learned", "derived", "policy"]


class UnknownParameterError(ValueError):
    """A name that is not in the catalogue."""


@dataclass(frozen=True)
class Parameter:
    """One row of the catalogue.

    Attributes
    ----------
    name, symbol, unit : str
        Name in code, letter in formulas, unit at the public boundary.
    tier : int
        1 to 4.
    kind : {"learned", "derived", "policy"}
        Learnable from a tape, following from other posteriors, or a choice without a likelihood.
    estimand, reason, evidence, deployed, consumer : str
        What it is; why it is of its kind; what teaches it; what the deployed rule used; what uses it.
    prior : mapping
        Family and its deployed parameters (mean with strength, variance or cv).
    presets : mapping
        Name of the preset -> the parameters that it changes.
    plausible : tuple of float
        Range in which truths are found, in the catalogue unit.
    price_power, time_power : float
        Power of c by which the estimand moves when all prices, all times are multiplied by c.
    horizon_s : float or None
        Fixed time in its definition; changes of the time unit do not cancel then.
    """

    name: str
    symbol: str
    unit: str
    tier: int
    kind: Kind
    estimand: str
    reason: str
    evidence: str
    deployed: str
    consumer: str
    prior: Mapping[str, Any]
    plausible: tuple[float, float]
    price_power: float
    time_power: float
    presets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    horizon_s: float | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.unit}) is {self.estimand}"


def _load() -> Mapping[str, Parameter]:
    text = resources.files("mmresearch.belief").joinpath("catalogue.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return MappingProxyType(
        {n: Parameter(name=n, **{**r, "plausible": tuple(r["plausible"])}) for n, r in rows.items()}
    )


CATALOGUE: Mapping[str, Parameter] = _load()


def parameter(name: str) -> Parameter:
    """Look up a row.

    Raises
    ------
    UnknownParameterError
        If there is no such row; the message names the nearest ones.
    """
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.4) or list(CATALOGUE)
        raise UnknownParameterError(f"{name!r} is not in the catalogue; did you mean {', '.join(near)}?")
    return CATALOGUE[name]


def prior(name: str, preset: str = "default") -> Family:
    """Build the deployed prior of a parameter.

    Parameters
    ----------
    name : str
        Parameter.
    preset : str
        "default", or a preset of the row such as "liquid" or "thin".

    Raises
    ------
    ValueError
        If there is no such parameter or preset.
    """
    row = parameter(name)
    if preset != "default" and preset not in row.presets:
        raise ValueError(f"{name} has no preset {preset!r}; it has default{''.join(', ' + p for p in row.presets)}")
    given = {**row.prior, **row.presets.get(preset, {})}
    return family_from_mean(given["family"], float(given["mean"]), float(given[FIRMNESS[given["family"]]]))


def catalogue_table() -> pd.DataFrame:
    """Return the catalogue as a table, one row per parameter."""
    rows = [
        {
            "tier": p.tier,
            "name": p.name,
            "unit": p.unit,
            "kind": p.kind,
            "family": p.prior["family"],
            "prior_mean": p.prior["mean"],
            "estimand": p.estimand,
            "evidence": p.evidence,
            "consumer": p.consumer,
        }
        for p in CATALOGUE.values()
    ]
    return pd.DataFrame(rows)
