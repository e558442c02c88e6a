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
        Name in code, letter in formulas (LaTeX without dollars), unit at the public boundary.
    tier : int
        1 to 4.
    kind : {"learned", "derived", "policy"}
        Learnable from a tape, following from other posteriors, or a choice without a likelihood.
    estimand, reason, evidence, deployed, consumer : str
        What it is; why it is of its kind; what teaches it; what the deployed rule used; what uses it.
    prior : mapping
        Family and its deployed parameters (mean with strength, variance or cv).
    prior_of : str
        What the prior is about: the parameter, unless its family cannot hold it.
    presets : mapping
        Name of the preset -> the parameters that it changes.
    support, plausible : tuple of float
        Range of possible values, and range in which truths are found, in the catalogue unit.
    price_power, time_power : float
        Power of c by which the estimand moves when all prices, all times are multiplied by c; see `scaled`.
    scaled_as : {"value", "rate"}
        Whether the powers are those of the value or of -ln of the value (a factor or probability per second).
    horizon_s : float or None
        Fixed time in its definition; changes of the time unit do not cancel then.
    step_s : float or None
        Seconds of the step of the deployed rule, where that counts in steps.
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
    support: tuple[float, float]
    plausible: tuple[float, float]
    price_power: float
    time_power: float
    presets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    horizon_s: float | None = None
    step_s: float | None = None
    scaled_as: Literal["value", "rate"] = "value"
    prior_of: str = "the parameter itself"

    def __str__(self) -> str:
        return f"{self.name} ({self.unit}) is {self.estimand}"

    def scaled(self, value: float, price: float = 1.0, time: float = 1.0) -> float:
        """Return what a truth becomes when every price and every time of its world is multiplied.

        Parameters
        ----------
        value : float
            Truth in the catalogue unit.
        price, time : float
            The factors, positive.
        """
        factor = price**self.price_power * time**self.time_power
        return value**factor if self.scaled_as == "rate" else value * factor


def _load() -> Mapping[str, Parameter]:
    text = resources.files("mmresearch.belief").joinpath("catalogue.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return MappingProxyType(
        {
            name: Parameter(
                name=name, **{**row, "support": tuple(row["support"]), "plausible": tuple(row["plausible"])}
            )
            for name, row in rows.items()
        }
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

    For rows that are derived or policy it is the typed-in number with the spread that the deployed system gave it:
    a starting point that no data update. For `hawkes_alpha` it is about the branching ratio (see `Parameter.prior_of`).

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


def catalogue_table(priors: Mapping[str, Family] | None = None) -> pd.DataFrame:
    """Return the catalogue as a table, one row per parameter; the prior's mean, sd and 90 % interval in its unit.

    Parameters
    ----------
    priors : mapping, optional
        Parameter -> prior to show in the place of its own, such as one that a fit handed back.
    """
    given = priors or {}
    return pd.DataFrame([_row(p, given.get(p.name) or prior(p.name)) for p in CATALOGUE.values()])


def _row(p: Parameter, belief: Family) -> dict[str, Any]:
    low, high = belief.interval(0.9)
    return {
        "tier": p.tier,
        "name": p.name,
        "unit": p.unit,
        "kind": p.kind,
        "family": p.prior["family"],
        "prior_mean": belief.mean() if belief != prior(p.name) else p.prior["mean"],
        "prior_sd": belief.std(),
        "prior_lo": low,
        "prior_hi": high,
        "presets": ", ".join(p.presets),
        "estimand": p.estimand,
        "reason": p.reason,
        "evidence": p.evidence,
        "deployed": p.deployed,
        "consumer": p.consumer,
    }
