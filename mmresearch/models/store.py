"""Draws on disk: ArviZ DataTree in zarr, with what they were made from.

A store is written beside its place, flushed to the disk and renamed into it, so a reader sees the old draws or the new
ones (for the instant between two renames, none), never half, not even after a loss of power; if the new ones cannot
take their place, the old ones return to it. Only a folder of ours is ever replaced. A chunk that is missing reads as
zeros, so every number of the draws is hashed, and draws that are not those that were written are refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mmresearch.learn.storage.atomic import sync_folder
from mmresearch.models.features import FeatureEvidence
from mmresearch.models.fit import Fit
from mmresearch.models.gate import Gate, gate
from mmresearch.models.series import SeriesEvidence
from mmresearch.tape.evidence import Evidence


class StoreError(ValueError):
    """A path that holds no draws of ours."""


#: Attributes by which a folder is known to be ours.
_OURS = ("parameter", "backend", "evidence_sha256", "versions")


def evidence_hash(evidence: Evidence | SeriesEvidence | FeatureEvidence) -> str:
    """Hash of every number in the evidence (SHA-256, hex)."""
    digest = hashlib.sha256()
    for group in dataclasses.fields(evidence):
        for counts in getattr(evidence, group.name):
            digest.update(type(counts).__name__.encode())
            for field in dataclasses.fields(counts):
                value = getattr(counts, field.name)
                digest.update(field.name.encode())
                if isinstance(value, np.ndarray):
                    digest.update(repr(value.shape).encode() + value.astype(np.float64).tobytes())
                else:
                    digest.update(repr(value).encode())
    return digest.hexdigest()


def draws_hash(tree: xr.DataTree) -> str:
    """Hash of every number in draws, and of what each is called (SHA-256, hex)."""
    digest = hashlib.sha256()
    for group in sorted(tree.children):
        for name, values in sorted(tree[group].to_dataset().variables.items(), key=lambda item: str(item[0])):
            numbers = np.ascontiguousarray(values.to_numpy())
            if numbers.dtype.kind not in "biuf":
                numbers = np.array([str(x).encode() for x in numbers.ravel()])
            digest.update(f"{group}/{name} {values.dims} {values.shape} {numbers.dtype.kind}".encode())
            digest.update(numbers.tobytes())
    return digest.hexdigest()


def save_fit(
    fitted: Fit,
    path: str | Path,
    evidence: Evidence | SeriesEvidence | FeatureEvidence,
    more: Mapping[str, str] | None = None,
) -> Path:
    """Write the draws of a fit with their provenance.

    Parameters
    ----------
    fitted : Fit
        What to keep.
    path : path
        A folder, by custom ending in ``.zarr``; replaced if it exists.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        What was fitted; its hash is stored.
    more : mapping of str to str, optional
        What else is to be remembered of where the draws come from.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    StoreError
        If the path exists and holds something else than draws of ours.
    """
    target = Path(path)
    if os.path.lexists(target) and not _is_ours(target):
        raise StoreError(f"{target} exists and holds no draws of ours; it is left as it is")
    target.parent.mkdir(parents=True, exist_ok=True)
    tree = xr.DataTree.from_dict({name: _storable(group.to_dataset()) for name, group in fitted.posterior.items()})
    tree.attrs = {
        "parameter": fitted.parameter,
        "backend": fitted.backend,
        "sampler": fitted.sampler,
        "parameterisation": fitted.parameterisation,
        "options": fitted.options,
        "seed": int(fitted.seed),
        "tries": fitted.tries,
        "seconds": fitted.seconds,
        "versions": json.dumps(dict(fitted.versions)),
        "evidence_sha256": evidence_hash(evidence),
        "admitted": int(fitted.gate.passed),
        "draws_sha256": draws_hash(tree),
        **(more or {}),
    }
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        with warnings.catch_warnings():
            # Readers that do not know of metadata in one place read them where they are; xarray warns if they are not.
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
            tree.to_zarr(temporary / "new", mode="w", consolidated=True)
        _flush(temporary / "new")
        _put(temporary / "new", target, temporary / "old")
        sync_folder(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _storable(group: xr.Dataset) -> xr.Dataset:
    """Write texts that may be missing as texts: zarr would give them back as numbers."""
    texts = {name: values for name, values in group.data_vars.items() if _is_text(values.to_numpy())}
    return group.assign({name: (values.dims, _texts(values.to_numpy())) for name, values in texts.items()})


def _is_text(values: np.ndarray) -> bool:
    return values.dtype == object and all(x is None or x != x or isinstance(x, str) for x in values.ravel())


def _texts(values: np.ndarray) -> np.ndarray:
    return np.array([x if isinstance(x, str) else "" for x in values.ravel()]).reshape(values.shape)


def _flush(folder: Path) -> None:
    """Bring every file and every name below a folder to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(place, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(place))


def _put(new: Path, target: Path, old: Path) -> None:
    """Let the new folder take the place of the target; put the old one back if it cannot."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(new, target)
    except BaseException:
        if old.exists():
            os.replace(old, target)
        raise


def _is_ours(path: Path) -> bool:
    """Whether a folder was written by `save_fit`, or is empty."""
    if not path.is_dir():
        return False
    try:
        attrs = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    except (OSError, ValueError, KeyError):
        return not any(path.iterdir())
    return all(name in attrs for name in _OURS)


def load_fit(path: str | Path) -> tuple[xr.DataTree, Gate, dict[str, Any]]:
    """Read draws; return them, the gate judged anew, and their provenance.

    Raises
    ------
    StoreError
        If the path holds no draws of ours, or not those that were written.
    """
    try:
        tree = xr.open_datatree(path, engine="zarr", consolidated=False).load()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:  # zarr's words for a damaged store
        raise StoreError(f"{path} holds no draws: {error}") from error
    if not all(name in tree.attrs for name in _OURS):
        raise StoreError(f"{path} holds draws without provenance; it was not written by save_fit")
    if "draws_sha256" in tree.attrs and tree.attrs["draws_sha256"] != draws_hash(tree):
        raise StoreError(f"{path} is damaged: its draws are not those that were written")
    return (
        tree,
        gate(tree),
        {str(k): v for k, v in tree.attrs.items()} | {"versions": json.loads(tree.attrs["versions"])},
    )
