"""Reference posteriors of the bundled tapes: draws so many and so nearly independent that other draws are held to them.

``python -m mmresearch.audit.reference_posteriors`` makes them again. Of each model ten chains are run and thinned to a
thousand draws each; they are kept if, for every variable but the effects of single windows,

    R-hat < 1.01,   bulk and tail ESS > 8,000 of 10,000,   |autocorrelation at lag one| < .05,

no transition diverged and BFMI is above .3 in every chain (of all transitions, kept or not). Source of the criteria:
Magnusson et al. 2025, posteriordb.

Models of fills read the eight bundled tapes, the others the three with features. Parameters of the catalogue (and A)
are kept draw by draw, in single precision; of all else, mean, sd and quantiles.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import mmresearch
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.models.fit import ACCEPT, fit
from mmresearch.models.gate import INNER, gate
from mmresearch.models.inputs import family_of, fittable, kind_of, model_of, reduce_tapes
from mmresearch.models.store import evidence_hash
from mmresearch.sim.bundle import data_dir, example

FOLDER = "posteriors"
CHAINS, KEPT, TUNE, SEED = 10, 1000, 2000, 20240601
#: Model -> one draw in how many is kept.
THIN: Mapping[str, int] = {
    "alpha_touch": 10, "kappa": 20, "spread_floor_bps": 15, "bocpd_hazard_rate": 6, "microprice_decay": 8,
    "momentum_normalizer_bps": 6, "proactive_skew_sensitivity": 8, "predictive_bias_sensitivity": 6,
    "toxic_hour_gamma_mult": 12, "cascade_oi_threshold": 6, "hawkes": 8, "local_level": 15,
}  # fmt: skip
ESS_BOUND, LAG_BOUND = 8000.0, 0.05
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_PACKAGES = ("mmresearch", "numpy", "nutpie", "pymc", "pytensor")


class PosteriorError(ValueError):
    """A reference posterior that is missing, or that does not meet its criteria."""


def reference_posterior(model: str, folder: str | Path | None = None) -> xr.Dataset:
    """Read the reference posterior of a model on the bundled tapes.

    Parameters
    ----------
    model : str
        One of `THIN`.
    folder : path, optional
        Where the bundled data are.

    Returns
    -------
    xarray.Dataset
        What the model reports of each asset, with dimensions chain (10), draw (1000) and asset, in the unit of the
        catalogue.

    Raises
    ------
    PosteriorError
        If there is none.
    """
    path = _place(folder) / f"{model}.parquet"
    if not path.is_file():
        raise PosteriorError(f"no reference posterior of {model!r} in {path.parent}; there are {', '.join(THIN)}")
    table = pd.read_parquet(path).set_index(["chain", "draw"])
    names = [column.rstrip("]").split("[") for column in table.columns]
    assets = list(dict.fromkeys(asset for _, asset in names))
    shape = (CHAINS, KEPT, len(assets))
    values = {
        name: (("chain", "draw", "asset"), table[[f"{name}[{a}]" for a in assets]].to_numpy(float).reshape(shape))
        for name in dict.fromkeys(name for name, _ in names)
    }
    return xr.Dataset(values, coords={"chain": range(CHAINS), "draw": range(KEPT), "asset": assets})


def parameter_of(model: str) -> str:
    """Return a parameter that the model teaches, the first in the order of the tables."""
    return next(name for name in fittable() if model_of(name) == model)


def evidence_of(model: str, folder: str | Path | None = None) -> Any:
    """Return what a model reads of the bundled tapes."""
    parameter = parameter_of(model)
    tapes = example(folder, features=family_of(parameter) != "fills")
    return reduce_tapes(kind_of(parameter, tapes), tapes)


def facts_of(model: str, folder: str | Path | None = None) -> dict[str, Any]:
    """Return how the reference posterior of a model was made, what it met, and moments of every shared variable.

    Raises
    ------
    PosteriorError
        If there is none.
    """
    path = _place(folder) / "manifest.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if model not in found:
        raise PosteriorError(f"no reference posterior of {model!r} in {path.parent}; there are {', '.join(THIN)}")
    return found[model]


def criteria(posterior: xr.Dataset, stats: xr.Dataset) -> pd.DataFrame:
    """Hold draws to the criteria.

    Parameters
    ----------
    posterior : Dataset
        Thinned draws, chain by chain.
    stats : Dataset
        ``diverging`` and ``energy`` of every transition.

    Returns
    -------
    DataFrame
        check, value, bound, passed, and the variable that is worst.
    """
    tree = xr.DataTree.from_dict({"posterior": posterior.drop_vars(INNER, errors="ignore"), "sample_stats": stats})
    table = gate(tree, ess_bound=ESS_BOUND).table
    lags = {str(name): float(np.abs(_lag_one(values)).max()) for name, values in tree["posterior"].data_vars.items()}
    worst = max(lags, key=lambda name: lags[name])
    lag = pd.DataFrame(
        [("autocorrelation", lags[worst], LAG_BOUND, lags[worst] < LAG_BOUND, worst)], columns=table.columns
    )
    return pd.concat([table, lag], ignore_index=True)


def _lag_one(values: xr.DataArray) -> np.ndarray:
    """Autocorrelation at lag one, over chains together, of every number of a variable."""
    draws = values.transpose("chain", "draw", ...).to_numpy()
    off = draws - draws.mean(axis=(0, 1))
    return np.asarray((off[:, 1:] * off[:, :-1]).mean(axis=(0, 1)) / np.square(off).mean(axis=(0, 1)))


def make(model: str, folder: str | Path, progress: bool = True) -> pd.DataFrame:
    """Make the reference posterior of a model and keep it if it meets the criteria.

    Parameters
    ----------
    model : str
        One of `THIN`.
    folder : path
        Of the bundled data.
    progress : bool
        Show the sampler's progress.

    Returns
    -------
    DataFrame
        The criteria.

    Raises
    ------
    PosteriorError
        If it does not meet them; nothing is written.
    """
    given, thin = evidence_of(model, folder), THIN[model]
    # Tens of thousands of draws without one that diverges need small steps.
    found = fit(
        parameter_of(model), given, draws=KEPT * thin, tune=TUNE, chains=CHAINS, seed=SEED, progress=progress,
        accept=ACCEPT,
    )  # fmt: skip
    step = found.posterior["posterior"].sizes["draw"] // KEPT  # a fit that is run again may have more draws
    posterior = found.posterior["posterior"].to_dataset().isel(draw=slice(None, None, step))
    met = criteria(posterior, found.posterior["sample_stats"].to_dataset())
    if not met["passed"].all():
        raise PosteriorError(f"{model} does not meet the criteria:\n{met.to_string(index=False)}")
    reported = [name for name in posterior.data_vars if name in (*CATALOGUE, "A")]
    place = _place(folder)
    place.mkdir(parents=True, exist_ok=True)
    _write(place / f"{model}.parquet", _packed(_tidy(posterior[reported])))
    facts = {
        "made_by": "python -m mmresearch.audit.reference_posteriors",
        "evidence_sha256": evidence_hash(given),
        "sampler": found.sampler,
        "chains": CHAINS,
        "draws": KEPT,
        "thin": step,
        "tune": TUNE * found.tries,
        "seed": SEED,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "criteria": json.loads(met.to_json(orient="records")),
        "moments": _moments(posterior.drop_vars(INNER, errors="ignore")),
    }
    _remember(place / "manifest.json", model, facts)
    return met


def _tidy(posterior: xr.Dataset) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([range(CHAINS), range(KEPT)], names=["chain", "draw"])
    columns = {
        f"{name}[{asset}]": values.sel(asset=asset).transpose("chain", "draw").to_numpy().ravel().astype(np.float32)
        for name, values in posterior.data_vars.items()
        for asset in posterior["asset"].to_numpy()
    }
    return pd.DataFrame(columns, index=index).reset_index().astype({"chain": "int16", "draw": "int16"})


def _packed(table: pd.DataFrame) -> bytes:
    """Write draws as Parquet, the bytes of a kind together: they pack to half."""
    draws = [name for name in table if name not in ("chain", "draw")]
    return table.to_parquet(
        index=False, compression="zstd", compression_level=19, use_dictionary=["chain", "draw"],
        use_byte_stream_split=draws,
    )  # fmt: skip


def _moments(posterior: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Mean, sd and quantiles of every variable, effects of assets in their order."""
    found = {}
    for name, values in posterior.data_vars.items():
        flat = values.transpose("chain", "draw", ...).to_numpy().reshape(CHAINS * KEPT, -1)
        rows = {"mean": flat.mean(axis=0), "sd": flat.std(axis=0, ddof=1)}
        rows |= {f"q{q:g}": np.quantile(flat, q, axis=0) for q in _QUANTILES}
        found[str(name)] = {key: [float(f"{x:.8g}") for x in row] for key, row in rows.items()}
    return dict(sorted(found.items()))


def _remember(path: Path, model: str, facts: Mapping[str, Any]) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    text = json.dumps(dict(sorted({**known, model: facts}.items())), indent=1) + "\n"
    _write(path, text.encode())


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _place(folder: str | Path | None) -> Path:
    return (Path(folder) if folder else data_dir()) / FOLDER


def main(models: Iterable[str]) -> None:
    """Make the named ones, or all."""
    for model in models or THIN:
        print(model)
        print(make(model, Path(mmresearch.__file__).parent.parent / "data").to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1:])
