"""Priors that a fit of several assets hands back for a new one, and the file that holds them.

    { "format": "mmresearch priors", "version": 1, "made_from": {...},
      "priors": { "kappa": { "unit", "family", "shape", "rate", "divergence_nats", "error_nats", "default_nats",
                             "population": [...], "beside": { "A": { "family", ... } } }, ... } }

Numbers are written so that the same ones are read. `divergence_nats` is KL(population || prior) with its Monte Carlo
error, `default_nats` that of the catalogue's prior; `population` are the 5, 50 and 95 % quantiles of what a new asset
may be; `beside` is what the parameter's learner has to believe besides. A prior is of the family of its row in the
catalogue, in the row's unit, about what the row says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.belief.families import FAMILIES, Family
from mmresearch.belief.normal import NormalInverseGamma

FORMAT, VERSION = "mmresearch priors", 1
_BESIDE: Mapping[str, type[Family]] = {**FAMILIES, "NormalInverseGamma": NormalInverseGamma}


class PriorFileError(ValueError):
    """A file that holds no priors of ours."""


@dataclass(frozen=True)
class HandedBack:
    """The prior of a new asset.

    Attributes
    ----------
    parameter, unit : str
        Of which row of the catalogue.
    prior : Family
        Of the family of the row.
    divergence_nats, error_nats : float
        KL(population || prior), and its Monte Carlo standard error.
    default_nats : float
        The same of the catalogue's prior: what is gained is the difference.
    population : (float, float, float)
        5, 50 and 95 % quantiles of a new asset's parameter.
    beside : mapping
        Priors of what the parameter's learner has to believe besides, by name.
    """

    parameter: str
    unit: str
    prior: Family
    divergence_nats: float
    error_nats: float
    default_nats: float
    population: tuple[float, ...]
    beside: Mapping[str, Family] = field(default_factory=dict)


def render_priors(priors: Mapping[str, HandedBack], made_from: Mapping[str, Any]) -> str:
    """Return the text of a file of priors.

    Parameters
    ----------
    priors : mapping
        Parameter -> its prior.
    made_from : mapping
        What the priors come from, plain values.
    """
    rows = {name: _row(handed) for name, handed in priors.items()}
    document = {"format": FORMAT, "version": VERSION, "made_from": dict(made_from), "priors": rows}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def read_priors(path: str | Path) -> dict[str, HandedBack]:
    """Read a file of priors.

    Raises
    ------
    PriorFileError
        If it is no such file, or a prior in it makes no sense.
    OSError
        If it cannot be read.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise PriorFileError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PriorFileError(f"{path} holds no priors; write them with: mmresearch fit --priors FILE")
    if document.get("version") != VERSION:
        raise PriorFileError(f"{path} is of version {document.get('version')!r}; this package reads {VERSION}")
    return {name: _read(str(path), name, row) for name, row in document["priors"].items()}


def _row(handed: HandedBack) -> dict[str, Any]:
    return {
        "unit": handed.unit,
        **_written(handed.prior),
        "divergence_nats": handed.divergence_nats,
        "error_nats": handed.error_nats,
        "default_nats": handed.default_nats,
        "population": list(handed.population),
        "beside": {name: _written(belief) for name, belief in handed.beside.items()},
    }


def _written(belief: Family) -> dict[str, Any]:
    return {"family": type(belief).__name__, **asdict(belief)}


def _read(path: str, name: str, row: Mapping[str, Any]) -> HandedBack:
    if name not in CATALOGUE:
        raise PriorFileError(f"{path}: {name!r} is not in the catalogue")
    wanted = CATALOGUE[name]
    if row.get("family") != wanted.prior["family"] or row.get("unit") != wanted.unit:
        raise PriorFileError(
            f"{path}: {name} is a {row.get('family')} in {row.get('unit')!r}; the catalogue has a "
            f"{wanted.prior['family']} in {wanted.unit!r}"
        )
    try:
        loss, error, default = (float(row[key]) for key in ("divergence_nats", "error_nats", "default_nats"))
        population = tuple(float(q) for q in row["population"])
        beside = {key: _belief(value) for key, value in row["beside"].items()}
        return HandedBack(name, wanted.unit, _belief(row), loss, error, default, population, beside)
    except (KeyError, TypeError, ValueError) as fault:
        raise PriorFileError(f"{path}: {name} makes no sense: {fault}") from fault


def _belief(row: Mapping[str, Any]) -> Family:
    kind = _BESIDE[row["family"]]
    return kind(**{name: float(row[name]) for name in kind.__dataclass_fields__})
