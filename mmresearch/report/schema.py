"""The audit as a document for machines: JSON with a name and a version, and the way back.

A reader looks at ``schema`` first. A field may be added under the same major version; one that is renamed, removed or
changes its meaning raises it. Numbers that JSON cannot write are the strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mmresearch.audit.result import Audit
from mmresearch.report.files import write_file

NAME: Literal["mmresearch.audit"] = "mmresearch.audit"
MAJOR, MINOR = 1, 0


class DocumentError(ValueError):
    """A file that is not an audit, or one of a version that this package does not read."""


class Document(BaseModel):
    """An audit with the name and version of its format.

    Attributes
    ----------
    format : str
        Always "mmresearch.audit"; written as ``schema``.
    version : str
        Major and minor version of the format.
    audit : Audit
        What was found.
    """

    model_config = ConfigDict(ser_json_inf_nan="strings", populate_by_name=True, frozen=True)

    format: Literal["mmresearch.audit"] = Field(default=NAME, alias="schema")
    version: str = Field(default=f"{MAJOR}.{MINOR}", pattern=r"^\d+\.\d+$")
    audit: Audit


def to_json(audit: Audit) -> str:
    """Write an audit as JSON, two spaces deep, ending in a line feed."""
    return Document(audit=audit).model_dump_json(by_alias=True, indent=2) + "\n"


def from_json(text: str | bytes, where: str = "the document") -> Audit:
    """Read an audit from JSON.

    Parameters
    ----------
    text : str or bytes
        What `to_json` wrote, under this or an earlier minor version.
    where : str
        What the text is called in an error.

    Raises
    ------
    DocumentError
        If it is not JSON, not an audit, or of another major version.
    """
    try:
        head = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"{where} is not JSON: {error}") from error
    if not isinstance(head, dict) or head.get("schema") != NAME:
        raise DocumentError(f"{where} is not an audit: its schema is not {NAME!r}; give the audit.json of a report")
    major = str(head.get("version", "")).partition(".")[0]
    if major != str(MAJOR):
        raise DocumentError(
            f"{where} has version {head.get('version')!r}; this package reads {MAJOR}.x: run the audit again"
        )
    try:
        return Document.model_validate_json(text).audit
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DocumentError(f"{where}, at {place}: {first['msg']}; run the audit again") from error


def json_schema() -> dict[str, Any]:
    """JSON Schema of the document, for readers in other languages."""
    return Document.model_json_schema(by_alias=True)


def write_json(audit: Audit, folder: str | Path) -> list[Path]:
    """Write ``audit.json`` and ``audit.schema.json`` into a folder; return their paths."""
    place = Path(folder)
    schema = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    return [
        write_file(place / "audit.json", to_json(audit)),
        write_file(place / "audit.schema.json", schema),
    ]


def read_json(path: str | Path) -> Audit:
    """Read an audit from the ``audit.json`` of a report.

    Raises
    ------
    DocumentError
        If the file is not an audit of this major version.
    OSError
        If it cannot be read.
    """
    return from_json(Path(path).read_bytes(), str(path))
