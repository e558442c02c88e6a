"""The bundled data: eight assets, two hours each, with their truths beside them.

``python -m mmresearch.sim.bundle`` makes them again, value for value, from `SEED`.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mmresearch
from mmresearch.sim.population import Hyper
from mmresearch.sim.truth import Truth
from mmresearch.sim.truths import truths_of
from mmresearch.sim.worlds import World
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.schema import Tape

SEED = 20240601
#: Fills beyond the touch are informed less often; alpha_touch is about fills at the touch.
WORLD = World(assets=8, seconds=7200.0, hyper=Hyper(alpha_decay_bps=15.0))
LEARNABLE = ("kappa", "A", "alpha_touch", "spread_floor_bps")


class BundleError(ValueError):
    """Bundled data that are missing or not what the manifest says."""


def data_dir() -> Path:
    """Find the bundled data: beside the package in a checkout, inside it when installed.

    Raises
    ------
    BundleError
        If they are in neither place.
    """
    package = Path(mmresearch.__file__).parent
    for place in (package.parent / "data", package / "data"):
        if (place / "manifest.json").is_file():
            return place
    raise BundleError("the bundled data are missing; make them again with: python -m mmresearch.sim.bundle")


def example(folder: str | Path | None = None) -> list[Tape]:
    """Read the bundled tapes: eight assets, two hours each, provenance "synthetic".

    Parameters
    ----------
    folder : path, optional
        Where they are; the bundled place if not given.
    """
    place = Path(folder) if folder else data_dir()
    return [read_parquet(place / entry["path"]) for entry in _manifest(place)["tapes"]]


def example_truths(folder: str | Path | None = None) -> dict[str, dict[str, float]]:
    """Return the truths of the bundled tapes: asset -> parameter -> value in the catalogue unit."""
    place = Path(folder) if folder else data_dir()
    return {entry["asset"]: {k: float(entry["truth"][k]) for k in LEARNABLE} for entry in _manifest(place)["tapes"]}


def _manifest(place: Path) -> dict[str, Any]:
    return json.loads((place / "manifest.json").read_text(encoding="utf-8"))


def sha256_of(tape_path: Path) -> str:
    """Hash a tape's files, names and contents, in order of name."""
    digest = hashlib.sha256()
    for file in sorted(tape_path.rglob("*")) if tape_path.is_dir() else [tape_path]:
        if file.is_file():
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _entry(tape: Tape, truth: Truth, path: Path, seed: list[int]) -> dict[str, Any]:
    values = {k: v for k, v in asdict(truth).items() if k not in ("asset", "dynamics")}
    dynamics = {k: v for k, v in asdict(truth.dynamics).items() if v is not None}
    return {
        "asset": tape.asset,
        "path": path.name,
        "seed": seed,
        "sha256": sha256_of(path),
        "rows": {t: len(getattr(tape, t)) for t in ("quotes", "trades", "orders", "fills")},
        "truth": {**values, **truths_of(truth, tape.seconds)},
        "dynamics": dynamics,
    }


def write_bundle(folder: str | Path) -> Path:
    """Make the bundled tapes and their manifest in a folder; return the manifest's path."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    entries = [
        _entry(tape, truth, write_parquet(tape, place / f"{tape.asset}.tape"), [SEED, i])
        for i, (tape, truth) in enumerate(zip(WORLD.tapes(SEED), WORLD.truths(SEED), strict=True))
    ]
    manifest = {
        "made_by": "python -m mmresearch.sim.bundle",
        "seed": SEED,
        "seconds": WORLD.seconds,
        "policy": {"class": type(WORLD.policy).__name__, **asdict(WORLD.policy)},  # type: ignore[call-overload]
        "stress": asdict(WORLD.stress),
        "quote_s": WORLD.quote_s,
        "hyper": asdict(WORLD.hyper),
        "tapes": entries,
    }
    temporary = place / ".manifest.json.tmp"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, place / "manifest.json")
    return place / "manifest.json"


if __name__ == "__main__":
    print(write_bundle(Path(mmresearch.__file__).parent.parent / "data"))
