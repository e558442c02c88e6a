"""The text of a file of learned parameters: schema, version, checksum.

    { "sha256": "<64 hex digits>",      over every byte that follows them
      "schema_version": "1.0", "package_version", "asset", "saved_s", "total_fills_observed",
      "parameters": { name: { learner, evidence, prior, posterior, n_observations, updated_s, half_life_s,
                              clock and ramp, where evidence is forgotten and numbers are eased in } } }

A byte is either part of the fixed opening, of the digits, or of what they are the SHA-256 of: none can change unseen.
That opening and the version's place are promised for all versions, so that an old program can tell a newer file from a
torn one. Minor versions add fields that older programs pass over; a major version is not to be guessed at.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mmresearch import __version__
from mmresearch.belief.families import FAMILIES, Family
from mmresearch.belief.normal import NormalInverseGamma
from mmresearch.learn.readiness.forgetting import Clock
from mmresearch.learn.readiness.rule import Ramp
from mmresearch.learn.storage.learned import Learned, LearnedParameters

SCHEMA_VERSION = "1.0"
_OPENING = b'{\n  "sha256": "'
_DIGITS = 64
#: Name -> class of everything that a file can hold as prior or posterior.
_BELIEFS: Mapping[str, type[Family]] = MappingProxyType({**FAMILIES, "NormalInverseGamma": NormalInverseGamma})


class UnreadableError(ValueError):
    """Bytes that are no file of learned parameters, or not all of one."""


class NewerVersionError(ValueError):
    """A file that a later version of this program wrote, in a schema that this one does not know."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")


class SavedBelief(_Row):
    """A prior or posterior: name of the family, and its parameters by name."""

    family: str
    parameters: dict[str, float]


class SavedClock(_Row):
    """Age of the evidence; fields as in `Clock`."""

    cell: int | None
    now_s: float | None
    seen: float
    squares: float
    last_evidence_s: float | None


class SavedRamp(_Row):
    """Weight in use; fields as in `Ramp`."""

    weight: float = Field(ge=0, le=1)
    at_s: float | None


class SavedParameter(_Row):
    """One parameter; fields as in `Learned`."""

    learner: str
    evidence: dict[str, float]
    prior: SavedBelief
    posterior: SavedBelief
    n_observations: int
    updated_s: float | None
    half_life_s: float | None
    typed_prior: list[float] | None = Field(default=None, min_length=2, max_length=2)
    clock: SavedClock | None = None
    ramp: SavedRamp | None = None


class SavedFile(_Row):
    """The whole file but its checksum; times in unix seconds."""

    schema_version: str
    package_version: str
    asset: str
    saved_s: float
    total_fills_observed: int
    parameters: dict[str, SavedParameter]


@dataclass(frozen=True)
class Origin:
    """What a file says of itself.

    Attributes
    ----------
    schema_version, package_version : str
        Of the schema, and of the program that wrote it.
    saved_s : float
        Unix time at which it was saved.
    """

    schema_version: str
    package_version: str
    saved_s: float


def render(learned: LearnedParameters, saved_s: float) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    learned : LearnedParameters
        What to write.
    saved_s : float
        Unix time to write into it.
    """
    document = SavedFile(
        schema_version=SCHEMA_VERSION,
        package_version=__version__,
        asset=learned.asset,
        saved_s=float(saved_s),
        total_fills_observed=learned.total_fills_observed,
        parameters={p.name: _saved(p) for p in learned.parameters},
    )
    text = json.dumps({"sha256": "", **document.model_dump()}, indent=2, allow_nan=False)
    rest = text.encode("ascii")[len(_OPENING) :] + b"\n"
    return _OPENING + _digest(rest) + rest


def is_own(data: bytes) -> bool:
    """Whether bytes open as a file of ours does, whole or not."""
    return data.startswith(_OPENING)


def parse(data: bytes) -> tuple[LearnedParameters, Origin]:
    """Read the bytes of a file.

    Returns
    -------
    LearnedParameters, Origin
        What was learned, and what the file says of itself.

    Raises
    ------
    UnreadableError
        If a byte is missing, added or changed, or the numbers make no distribution.
    NewerVersionError
        If the file is whole, of a later major version.
    """
    digits, rest = data[len(_OPENING) :][:_DIGITS], data[len(_OPENING) + _DIGITS :]
    if not is_own(data) or digits != _digest(rest):
        raise UnreadableError("the checksum does not fit: the file is torn, or was edited")
    document = json.loads(data)
    _refuse_newer(document)
    try:
        saved = SavedFile.model_validate(document)
        rows = tuple(_learned(name, row) for name, row in saved.parameters.items())
        learned = LearnedParameters(saved.asset, rows, saved.total_fills_observed)
    except (ValidationError, ValueError, TypeError) as error:
        raise UnreadableError(f"it is whole but makes no sense: {error}") from error
    return learned, Origin(saved.schema_version, saved.package_version, saved.saved_s)


def _digest(rest: bytes) -> bytes:
    return hashlib.sha256(rest).hexdigest().encode("ascii")


def _refuse_newer(document: Mapping[str, Any]) -> None:
    version = str(document.get("schema_version", ""))
    major = version.partition(".")[0]
    known = SCHEMA_VERSION.partition(".")[0]
    if not major.isdecimal():
        raise UnreadableError(f"its schema version {version!r} is not of the form major.minor")
    if int(major) > int(known):
        raise NewerVersionError(
            f"schema version {version} was written by mmresearch {document.get('package_version')}; "
            f"this is {__version__}, which reads {known}.x: use the newer program, or move the file away"
        )


def _saved(learned: Learned) -> SavedParameter:
    return SavedParameter(
        learner=learned.learner,
        evidence=dict(learned.evidence),
        prior=_saved_belief(learned.prior),
        posterior=_saved_belief(learned.posterior),
        n_observations=learned.n_observations,
        updated_s=learned.updated_s,
        half_life_s=learned.half_life_s,
        typed_prior=None if learned.typed_prior is None else list(learned.typed_prior),
        clock=None if learned.clock is None else SavedClock(**vars(learned.clock)),
        ramp=None if learned.ramp is None else SavedRamp(**vars(learned.ramp)),
    )


def _saved_belief(belief: Family) -> SavedBelief:
    numbers = {f.name: float(getattr(belief, f.name)) for f in dataclasses.fields(belief)}
    return SavedBelief(family=type(belief).__name__, parameters=numbers)


def _learned(name: str, row: SavedParameter) -> Learned:
    typed = None if row.typed_prior is None else (row.typed_prior[0], row.typed_prior[1])
    return Learned(
        name=name,
        learner=row.learner,
        evidence=row.evidence,
        prior=_belief(row.prior),
        posterior=_belief(row.posterior),
        n_observations=row.n_observations,
        updated_s=row.updated_s,
        half_life_s=row.half_life_s,
        typed_prior=typed,
        clock=None if row.clock is None else Clock(**row.clock.model_dump()),
        ramp=None if row.ramp is None else Ramp(**row.ramp.model_dump()),
    )


def _belief(saved: SavedBelief) -> Family:
    if saved.family not in _BELIEFS:
        raise ValueError(f"there is no family {saved.family!r}; there are {', '.join(_BELIEFS)}")
    return _BELIEFS[saved.family](**saved.parameters)
