"""Every reference model fitted in both backends: seconds cold and warm, what the gate says, truths in the intervals.

Cold is the first fit of a new process that finds no program compiled before; warm the same fit again with another seed.
Models of fills read the eight bundled tapes, the others the three with features; with `--assets 8` all of them read
eight tapes with features, drawn from the populations of those three, and every fit is made once, cold. Truths are those
of the bundled tapes, where an asset has one.

    python -m benchmarks.models [--backend pymc] [--model kappa] [--assets 8] [--out models.csv]
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import pandas as pd

import mmresearch as mm
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.models.inputs import family_of, fittable, kind_of, model_of, reduce_tapes
from mmresearch.sim.bundle import SEED
from mmresearch.sim.feature_tapes import FIRST, HYPERS, KEPT_S, PLAYED_S, POLICY, feature_truth
from mmresearch.sim.worlds import simulate
from mmresearch.tape.schema import Tape

BACKENDS = ("pymc", "numpyro")
#: One parameter of each model, in the order of the catalogue's models; it stands for the others.
MODELS = tuple({model_of(name): name for name in reversed(fittable())}.values())[::-1]
LEVEL = 0.9


def eight_tapes(assets: int) -> list[Tape]:
    """Tapes with features, of so many assets from the populations of the bundled three."""
    tapes = []
    for i in range(assets):
        kind = list(HYPERS)[i % len(HYPERS)]
        truth = dataclasses.replace(feature_truth(kind, SEED, FIRST + i), asset=f"{kind}{i}")
        tapes.append(simulate(truth, PLAYED_S, POLICY, [SEED, FIRST + i]).between(*KEPT_S))
    return tapes


def tapes_for(parameter: str, assets: int) -> list[Tape]:
    """Tapes that the model of a parameter reads."""
    return eight_tapes(assets) if assets else mm.example(features=family_of(parameter) != "fills")


def measured(parameter: str, backend: Any, assets: int) -> dict[str, Any]:
    """Fit one model, in a process of its own; return a row of the table."""
    from mmresearch.models.fit import fit

    tapes = tapes_for(parameter, assets)
    evidence = reduce_tapes(kind_of(parameter, tapes), tapes)
    seconds = []
    for seed in (1,) if assets else (1, 2):
        start = perf_counter()
        found = fit(parameter, evidence, backend, seed=seed, quick=True, progress=False)
        seconds.append(perf_counter() - start)
        if seed == 1:
            first = found
    judged, (held, of) = first.gate, (0, 0) if assets else truths_held(parameter, first.posterior)
    return {
        "model": model_of(parameter), "backend": backend, "assets": len(tapes), "cold_s": seconds[0],
        "warm_s": seconds[-1] if len(seconds) > 1 else np.nan, "tries": first.tries, "admitted": judged.passed,
        "min_ess": judged.min_ess, "max_rhat": judged.max_rhat, "divergences": judged.divergences,
        "held": held, "of": of,
    }  # fmt: skip


def truths_held(parameter: str, tree: Any) -> tuple[int, int]:
    """Count the truths in the 90 % intervals of all parameters of a model, and all that there are."""
    truths = mm.example_truths(features=family_of(parameter) != "fills")
    posterior = tree["posterior"]
    names = [name for name in CATALOGUE if name in fittable() and model_of(name) == model_of(parameter)]
    inside = []
    for name in names:
        low, high = posterior[name].quantile([(1 - LEVEL) / 2, (1 + LEVEL) / 2], ("chain", "draw")).to_numpy()
        for i, asset in enumerate(posterior["asset"].to_numpy()):
            if name in truths[str(asset)]:
                inside.append(bool(low[i] <= truths[str(asset)][name] <= high[i]))
    return sum(inside), len(inside)


def in_own_process(parameter: str, backend: str, assets: int) -> dict[str, Any]:
    """Measure in a new process with empty caches."""
    with tempfile.TemporaryDirectory() as folder:
        caches = {
            "XDG_CACHE_HOME": folder, "NUMBA_CACHE_DIR": folder, "PYTENSOR_FLAGS": f"base_compiledir={folder}",
        }  # fmt: skip
        before = dict(os.environ)
        os.environ.update(caches)
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                return pool.submit(measured, parameter, backend, assets).result()
        finally:
            os.environ.clear()
            os.environ.update(before)


@click.command(help=__doc__)
@click.option("--backend", "backends", multiple=True, default=BACKENDS, type=click.Choice(BACKENDS))
@click.option("--model", "parameters", multiple=True, default=MODELS, type=click.Choice(fittable()))
@click.option("--assets", default=0, help="Simulated tapes for every model; 0 for the bundled ones.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to keep the table, as CSV.")
def main(backends: Sequence[str], parameters: Sequence[str], assets: int, out: Path | None) -> None:
    """Measure and print, row by row."""
    rows = []
    for parameter in parameters:
        for backend in backends:
            row = in_own_process(parameter, backend, assets)
            rows.append(row)
            print(
                f"{row['model']:30} {backend:8} {row['assets']:2} assets  cold {row['cold_s']:6.1f} s  warm "
                f"{row['warm_s']:6.1f} s  tries {row['tries']}  admitted {row['admitted']!s:5}  min ESS "
                f"{row['min_ess']:5.0f}  R-hat {row['max_rhat']:.4f}  div {row['divergences']}  "
                f"truths {row['held']}/{row['of']}",
                flush=True,
            )
            if out:
                pd.DataFrame(rows).to_csv(out, index=False)
    print(f"all: {sum(r['cold_s'] for r in rows) / 60:.1f} min cold")


if __name__ == "__main__":
    main()
