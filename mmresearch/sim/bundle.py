"""The bundled data: eight assets, two hours each, with their truths beside them.

``python -m mmresearch.sim.bundle`` makes them again, value for value, from `SEED`.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mmresearch
from mmresearch.sim.market import Truth
from mmresearch.sim.policies import Rotating
from mmresearch.sim.population import Hyper, population
from mmresearch.sim.worlds import simulate
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.schema import Tape

SEED = 20240601
ASSETS = 8
SECONDS = 7200.0
POLICY = Rotating()
#: Deeper fills are informed less often: alpha e^{-(d - h)/15 bps}; alpha_touch is about fills at the touch.
ALPHA_DECAY_BPS = 15.0
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


def truths_of_bundle() -> list[Truth]:
    """Truths of the eight assets."""
    return [replace(t, alpha_decay_bps=ALPHA_DECAY_BPS) for t in population(ASSETS, SEED)]


def make(truth: Truth, index: int) -> Tape:
    """Simulate one bundled tape."""
    return simulate(truth, SECONDS, POLICY, seed=SEED + index)


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


def write_bundle(folder: str | Path) -> Path:
    """Make the bundled tapes and their manifest in a folder; return the manifest's path."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    entries = []
    for i, truth in enumerate(truths_of_bundle()):
        tape, name = make(truth, i), f"{truth.asset}.tape"
        write_parquet(tape, place / name)
        values = {k: v for k, v in asdict(truth).items() if k != "asset"}
        entries.append(
            {
                "asset": truth.asset,
                "path": name,
                "seed": SEED + i,
                "sha256": sha256_of(place / name),
                "rows": {t: len(getattr(tape, t)) for t in ("quotes", "trades", "orders", "fills")},
                "truth": {**values, "spread_floor_bps": truth.spread_floor_bps},
            }
        )
    manifest = {
        "made_by": "python -m mmresearch.sim.bundle",
        "seed": SEED,
        "seconds": SECONDS,
        "policy": {"class": type(POLICY).__name__, **asdict(POLICY)},
        "hyper": asdict(Hyper()),
        "tapes": entries,
    }
    temporary = place / ".manifest.json.tmp"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, place / "manifest.json")
    return place / "manifest.json"


if __name__ == "__main__":
    print(write_bundle(Path(mmresearch.__file__).parent.parent / "data"))
