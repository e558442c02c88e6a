"""The bundled data: eight assets, two hours each, with their truths beside them, and three more with features.

``python -m mmresearch.sim.bundle`` makes them again, value for value, from `SEED`. The demo is about the eight; the
three, in the folder `FEATURES`, have what those lack (see `mmresearch.sim.feature_tapes`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mmresearch
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.sim import feature_tapes
from mmresearch.sim.policies import Policy
from mmresearch.sim.population import Hyper
from mmresearch.sim.truth import PLAIN, Stress, Truth
from mmresearch.sim.truths import disturbed, truths_of
from mmresearch.sim.worlds import QUOTE_S, World
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.schema import Tape

SEED = 20240601
#: Fills beyond the touch are informed less often; alpha_touch is about fills at the touch.
WORLD = World(assets=8, seconds=7200.0, hyper=Hyper(alpha_decay_bps=15.0))
LEARNABLE = ("kappa", "A", "alpha_touch", "spread_floor_bps")
#: Folder of the second set, inside that of the first.
FEATURES = "features"


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


def example(folder: str | Path | None = None, features: bool = False) -> list[Tape]:
    """Read the bundled tapes: eight assets, two hours each, provenance "synthetic".

    Parameters
    ----------
    folder : path, optional
        Where they are; the bundled place if not given.
    features : bool
        Read the second set instead: three assets with signals, Hawkes flow, regimes and changepoints.
    """
    place = _place(folder, features)
    return [read_parquet(place / entry["path"]) for entry in _manifest(place)["tapes"]]


def example_truths(folder: str | Path | None = None, features: bool = False) -> dict[str, dict[str, float]]:
    """Return the truths of the bundled tapes: asset -> parameter -> value in the catalogue unit.

    Parameters
    ----------
    folder : path, optional
        Where the tapes are; the bundled place if not given.
    features : bool
        Those of the second set: of each asset, every row of the catalogue that has a truth there.
    """
    entries = _manifest(_place(folder, features))["tapes"]
    names = {entry["asset"]: _undisturbed(entry) if features else LEARNABLE for entry in entries}
    return {e["asset"]: {name: float(e["truth"][name]) for name in names[e["asset"]]} for e in entries}


def _undisturbed(entry: dict[str, Any]) -> list[str]:
    return [name for name in (*CATALOGUE, "A") if name in entry["truth"] and name not in entry["disturbed"]]


def _place(folder: str | Path | None, features: bool) -> Path:
    place = Path(folder) if folder else data_dir()
    return place / FEATURES if features else place


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


def _entry(tape: Tape, truth: Truth, seconds: float, path: Path, seed: list[int]) -> dict[str, Any]:
    values = {k: v for k, v in asdict(truth).items() if k not in ("asset", "dynamics")}
    dynamics = {k: v for k, v in asdict(truth.dynamics).items() if v is not None}
    tables = ("quotes", "trades", "orders", "fills", *(() if tape.signals is None else ("signals",)))
    return {
        "asset": tape.asset,
        "path": path.name,
        "seed": seed,
        "sha256": sha256_of(path),
        "rows": {t: len(getattr(tape, t)) for t in tables},
        "truth": {**values, **truths_of(truth, seconds)},
        "dynamics": dynamics,
        **({"disturbed": sorted(disturbed(truth))} if dynamics else {}),
    }


def write_bundle(folder: str | Path) -> Path:
    """Make the bundled tapes and their manifests in a folder; return the path of the first manifest."""
    place = Path(folder)
    written = _write_set(
        place,
        list(zip(WORLD.tapes(SEED), WORLD.truths(SEED), strict=True)),
        0,
        _settings(WORLD.seconds, WORLD.policy, WORLD.stress, WORLD.quote_s) | {"hyper": asdict(WORLD.hyper)},
    )
    second = feature_tapes
    _write_set(
        place / FEATURES,
        list(zip(second.feature_tapes(SEED), second.feature_truths(SEED), strict=True)),
        second.FIRST,
        _settings(second.PLAYED_S, second.POLICY, PLAIN, QUOTE_S)
        | {"kept_s": second.KEPT_S, "hyper": {asset: asdict(hyper) for asset, hyper in second.HYPERS.items()}},
    )
    return written


def _settings(seconds: float, policy: Policy, stress: Stress, quote_s: float) -> dict[str, Any]:
    return {
        "made_by": "python -m mmresearch.sim.bundle",
        "seed": SEED,
        "seconds": seconds,
        "policy": {"class": type(policy).__name__, **asdict(policy)},  # type: ignore[call-overload]
        "stress": asdict(stress),
        "quote_s": quote_s,
    }


def _write_set(place: Path, played: Sequence[tuple[Tape, Truth]], first: int, settings: dict[str, Any]) -> Path:
    """Write tapes, and the manifest that names them; asset i was seeded by (seed, first + i)."""
    place.mkdir(parents=True, exist_ok=True)
    entries = [
        _entry(tape, truth, settings["seconds"], write_parquet(tape, place / f"{tape.asset}.tape"), [SEED, first + i])
        for i, (tape, truth) in enumerate(played)
    ]
    temporary = place / ".manifest.json.tmp"
    temporary.write_text(json.dumps({**settings, "tapes": entries}, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, place / "manifest.json")
    return place / "manifest.json"


if __name__ == "__main__":
    print(write_bundle(Path(mmresearch.__file__).parent.parent / "data"))
