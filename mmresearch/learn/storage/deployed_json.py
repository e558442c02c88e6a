"""The deployed system's JSON of learned parameters, read and written: one object per parameter, keyed by its name.

    { "kappa": { name, family, prior_mean, prior_strength, posterior_param1, posterior_param2, n_observations,
                 sum_x, sum_x2 }, ...,   "total_fills_observed": 123 }

What the numbers mean is said in `mmresearch.learn.storage.deployed_priors`. A file that is read and written
again is the same.
The format has no times, no evidence but two sums, and no family beyond five: what is lost is reported, and a number
that the family of its row cannot hold is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.belief.normal import Normal
from mmresearch.learn.storage.atomic import write_whole
from mmresearch.learn.storage.deployed_priors import belief_at, matched, positions, prior_from_typed, typed_prior
from mmresearch.learn.storage.learned import Learned, LearnedParameters, defaults
from mmresearch.learn.storage.saved import UnreadableError

FILLS = "total_fills_observed"
SUFFIX = "_learned_params.json"
#: Who learned what such a file holds.
LEARNER = "deployed"
NO_SUMS = (0.0, 0.0)
#: Means below which a parameter goes back to its prior after loading.
LEAST: Mapping[str, float] = MappingProxyType({"gamma_base": 0.1, "kappa": 1.0})


class ExportError(ValueError):
    """A parameter that the deployed format has no room for."""


class DeployedRow(BaseModel):
    """One parameter as the deployed system writes it."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")

    name: str
    family: Literal["Beta", "Gamma", "Normal", "InverseGamma", "LogNormal"]
    prior_mean: float
    prior_strength: float
    posterior_param1: float
    posterior_param2: float
    n_observations: int
    sum_x: float
    sum_x2: float


def looks_deployed(document: object) -> bool:
    """Whether a JSON document has the marks of the deployed format."""
    if not isinstance(document, dict) or FILLS not in document:
        return False
    return any(isinstance(row, dict) and "posterior_param1" in row for row in document.values())


def read_deployed(path: str | Path, asset: str | None = None) -> tuple[LearnedParameters, tuple[str, ...]]:
    """Read a file of the deployed system, with its rules after loading.

    Parameters
    ----------
    path : path
        Where.
    asset : str, optional
        Whose it is: the format does not say. If not given, what the file's name says, in its lower case.

    Returns
    -------
    LearnedParameters
        Times and half-lives are None: the format has none, so every age is unknown.
    tuple of str
        What a reader should know: values that were reset, entries that were passed over.

    Raises
    ------
    UnreadableError
        If it is no such file; it is left where it is.
    OSError
        If it cannot be read.
    """
    place = Path(path)
    return parse_deployed(place.read_bytes(), asset or place.name.removesuffix(SUFFIX))


def write_deployed(learned: LearnedParameters, path: str | Path) -> tuple[str, ...]:
    """Write a file that the deployed system loads: all 25 rows, those that were not learned at their priors.

    Parameters
    ----------
    learned : LearnedParameters
        What to write.
    path : path
        Where; an older file becomes its previous generation.

    Returns
    -------
    tuple of str
        What was bent to fit: beliefs of other families (mean and sd kept), sums that the evidence does not have.

    Raises
    ------
    ExportError
        If a parameter is not in the catalogue, or the family of its row cannot hold it; nothing is written.
    """
    text, notes = render_deployed(learned)
    write_whole(path, text.encode("ascii"))
    return notes


def parse_deployed(data: bytes, asset: str) -> tuple[LearnedParameters, tuple[str, ...]]:
    """Read the bytes of such a file; see `read_deployed`.

    Raises
    ------
    UnreadableError
        If it is no such file.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is no JSON: {error}") from error
    if not looks_deployed(document):
        raise UnreadableError("it is JSON, of neither of the two formats of learned parameters")
    strange = sorted(k for k in document if k not in CATALOGUE and k != FILLS)
    notes = [f"{key} is passed over: it is not in the catalogue" for key in strange]
    missing = [name for name in CATALOGUE if name not in document]
    if missing:
        notes.append(f"not in the file: {', '.join(missing)}")
    fills = document[FILLS]
    if not isinstance(fills, int) or isinstance(fills, bool) or fills < 0:
        raise UnreadableError(f"{FILLS} is {fills!r}; it must be a whole number from 0")
    read = [_read_row(name, document[name]) for name in CATALOGUE if name in document]
    ruled = [after_loading(row) for row in read]
    notes += [note for _, note in ruled if note]
    return LearnedParameters(asset, tuple(row for row, _ in ruled), fills), tuple(notes)


def render_deployed(learned: LearnedParameters) -> tuple[str, tuple[str, ...]]:
    """Return the text of such a file, and what was bent to fit; see `write_deployed`.

    Raises
    ------
    ExportError
        Naming every parameter that does not fit.
    """
    given = {p.name: p for p in defaults(learned.asset).parameters} | {p.name: p for p in learned.parameters}
    rows, notes, refused = {}, [], []
    for name, parameter in given.items():
        try:
            rows[name], said = _write_row(parameter)
            notes += said
        except (ValueError, OverflowError) as error:
            refused.append(f"{name}: {error}")
    if refused:
        raise ExportError("the deployed format has no room for " + "; ".join(refused))
    document = {**{name: row.model_dump() for name, row in rows.items()}, FILLS: learned.total_fills_observed}
    return json.dumps(document, indent=2, allow_nan=False) + "\n", tuple(notes)


def after_loading(parameter: Learned) -> tuple[Learned, str]:
    """Apply the deployed rule after loading to a parameter.

    Returns
    -------
    Learned
        A floor whose mean is negative at 0; gamma_base below .1 and kappa below 1 back at their priors.
    str
        What was done, empty if nothing was.
    """
    if parameter.name not in ("spread_floor_bps", *LEAST):
        return parameter, ""
    mean = parameter.posterior.mean()
    if parameter.name == "spread_floor_bps" and mean < 0 and isinstance(parameter.posterior, Normal):
        mended = replace(parameter.posterior, location=0.0)
        return replace(parameter, posterior=mended), f"spread_floor_bps was {mean:.6g}; set to 0"
    least = LEAST.get(parameter.name)
    if least is None or mean >= least:
        return parameter, ""
    fresh = replace(parameter, evidence={}, posterior=parameter.prior, n_observations=0, updated_s=None)
    return fresh, f"{parameter.name} was {mean:.6g}, below {least:g}; reset to its prior"


def _read_row(name: str, raw: object) -> Learned:
    try:
        row = DeployedRow.model_validate(raw)
        if row.name != name or row.n_observations < 0:
            raise ValueError(f"it says name {row.name!r} and n_observations {row.n_observations}")
        posterior = belief_at(row.family, row.posterior_param1, row.posterior_param2)
        typed = (row.prior_mean, row.prior_strength)
        before = prior_from_typed(row.family, typed, None if row.n_observations else posterior)
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise UnreadableError(f"{name} makes no sense: {error}") from error
    return Learned(
        name=name,
        learner=LEARNER,
        evidence={"sum_x": row.sum_x, "sum_x2": row.sum_x2},
        prior=before,
        posterior=posterior,
        n_observations=row.n_observations,
        typed_prior=None if typed_prior(name, before) == typed else typed,
    )


def _write_row(learned: Learned) -> tuple[DeployedRow, list[str]]:
    if learned.name not in CATALOGUE:
        raise ValueError("it is not in the catalogue")
    family, notes = str(CATALOGUE[learned.name].prior["family"]), []
    before, after = matched(family, learned.prior), matched(family, learned.posterior)
    if after is not learned.posterior:
        was = type(learned.posterior).__name__
        notes.append(f"{learned.name}: a {was} is written as the {family} with its mean and sd")
    sums = _sums(learned.evidence)
    if sums is None and learned.n_observations:
        notes.append(f"{learned.name}: its evidence has no sums of observations; written as 0")
    mean, strength = typed_prior(learned.name, before, learned.typed_prior)
    first, second = positions(after)
    row = {
        "name": learned.name,
        "family": family,
        "prior_mean": mean,
        "prior_strength": strength,
        "posterior_param1": first,
        "posterior_param2": second,
        "n_observations": learned.n_observations,
        "sum_x": (sums or NO_SUMS)[0],
        "sum_x2": (sums or NO_SUMS)[1],
    }
    return DeployedRow.model_validate(row), notes


def _sums(evidence: Mapping[str, float]) -> tuple[float, float] | None:
    """Return the sums of the observations and of their squares, if the evidence tells."""
    if evidence.keys() >= {"sum_x", "sum_x2"}:
        return evidence["sum_x"], evidence["sum_x2"]
    if evidence.keys() >= {"n", "mean", "m2"}:
        total = evidence["n"] * evidence["mean"]
        return total, evidence["m2"] + total * evidence["mean"]
    if evidence.keys() >= {"informed", "total"}:
        # Observations are 0 or 1, and their own squares.
        return evidence["informed"], evidence["informed"]
    return None
