"""Do 90 % intervals hold the truth 90 % of the time? Reference models and sound learners in worlds of eight assets.

Each world draws its assets from one population and plays them; every method then states an interval for every asset.
The share of intervals that hold the truth comes with two 95 % intervals of its own: the binomial one, and one over
worlds, since the assets of a world share a fit.

Calibration is exact only where truths are drawn from the prior. Here they come from a population that no prior names,
so this also asks whether the hyperpriors are weak enough not to matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import Progress
from scipy import stats

from mmresearch.learn.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.contract import Learner, name_of, run
from mmresearch.learn.floor import SpreadFloor
from mmresearch.learn.kappa import IntensityBelief, KappaExposure
from mmresearch.models.fit import MODELLED, Backend, fit
from mmresearch.sim.truth import Truth
from mmresearch.sim.worlds import World
from mmresearch.tape.evidence import Evidence, evidence
from mmresearch.tape.schema import Tape

LEVEL = 0.9
#: Confidence of the interval of a coverage.
CONFIDENCE = 0.95
FIRST_SEED = 7_000
ASSETS = 8
REFERENCE = "reference"
LEARNERS: tuple[Learner, ...] = (KappaExposure(), AlphaTouch(), AlphaTouchLabelError(), SpreadFloor())
#: Variables that the model of a parameter reports.
REPORTED = {"kappa": ("kappa", "A"), "alpha_touch": ("alpha_touch",), "spread_floor_bps": ("spread_floor_bps",)}
_JOINT_DRAWS = 4_000


@dataclass(frozen=True)
class Recovery:
    """What was found in some worlds.

    Attributes
    ----------
    intervals : pandas.DataFrame
        One row for each interval: world, asset, method, parameter, truth, low, high, mean, sd, rank (the belief's
        probability below the truth).
    fits : pandas.DataFrame
        One row for each fit: world, parameter, admitted, tries, min_ess, max_rhat, divergences, seconds.
    """

    intervals: pd.DataFrame
    fits: pd.DataFrame

    @staticmethod
    def joined(parts: Sequence[Recovery]) -> Recovery:
        """Put worlds together, in order of their seeds."""
        order = sorted(parts, key=lambda p: int(p.intervals["world"].iloc[0]))
        return Recovery(
            pd.concat([p.intervals for p in order], ignore_index=True),
            pd.concat([p.fits for p in order], ignore_index=True),
        )

    def coverage(self) -> pd.DataFrame:
        """Return the coverage of each method and parameter, with its intervals.

        Returns
        -------
        pandas.DataFrame
            method, parameter, worlds, intervals, held, coverage, low, high (Clopper-Pearson), world_low, world_high
            (over worlds), bias_sd (mean of (belief's mean - truth) in belief sds).
        """
        rows = []
        for (method, parameter), part in self.intervals.groupby(["method", "parameter"], sort=False):
            held = (part["low"] <= part["truth"]) & (part["truth"] <= part["high"])
            low, high = clopper_pearson(int(held.sum()), len(held))
            world_low, world_high = over_worlds(held.groupby(part["world"]).mean().to_numpy())
            bias = float(((part["mean"] - part["truth"]) / part["sd"]).mean())
            rows.append(
                {
                    "method": method, "parameter": parameter, "worlds": part["world"].nunique(),
                    "intervals": len(held), "held": int(held.sum()), "coverage": float(held.mean()),
                    "low": low, "high": high, "world_low": world_low, "world_high": world_high, "bias_sd": bias,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def clopper_pearson(hits: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact binomial interval of a share."""
    found = stats.binomtest(hits, n).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def over_worlds(shares: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student interval of a mean share, with worlds as the units; all there is for a single world."""
    if len(shares) < 2:
        return 0.0, 1.0
    half = stats.t.ppf((1 + confidence) / 2, len(shares) - 1) * shares.std(ddof=1) / np.sqrt(len(shares))
    return max(float(shares.mean() - half), 0.0), min(float(shares.mean() + half), 1.0)


def recover(
    worlds: int,
    seconds: float,
    backend: Backend = "pymc",
    jobs: int = 2,
    progress: Progress | None = None,
    first_seed: int = FIRST_SEED,
) -> Recovery:
    """State intervals in several worlds and compare them with the truth.

    Parameters
    ----------
    worlds : int
        How many, with seeds from `first_seed` on.
    seconds : float
        Length of the tapes.
    backend : {"pymc", "numpyro"}
        Who fits the reference.
    jobs : int
        Processes; the result does not depend on it.
    progress : rich.progress.Progress, optional
        Where to show how far it is.
    first_seed : int
        Seed of the first world.
    """
    task = progress.add_task("worlds", total=worlds) if progress else None
    parts = []
    for part in _parts(
        partial(one_world, seconds=seconds, backend=backend), range(first_seed, first_seed + worlds), jobs
    ):
        parts.append(part)
        if progress and task is not None:
            progress.advance(task)
    return Recovery.joined(parts)


def _parts(job: partial[Recovery], seeds: range, jobs: int) -> Iterator[Recovery]:
    if jobs == 1:
        yield from map(job, seeds)
        return
    # Spawned, because forking a process that has started JAX's threads may hang.
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(job, seed) for seed in seeds]):
            yield future.result()


def one_world(seed: int, seconds: float, backend: Backend = "pymc") -> Recovery:
    """Play one world, fit the reference models, run the learners.

    Parameters
    ----------
    seed : int
        Of truths, tapes and sampler.
    seconds : float
        Length of the tapes.
    backend : {"pymc", "numpyro"}
        Who fits the reference.
    """
    world = World(assets=ASSETS, seconds=seconds)
    truths, tapes = world.truths(seed), world.tapes(seed)
    intervals, fits = _reference(seed, truths, evidence(tapes), backend)
    intervals += [
        row for learner in LEARNERS for truth, tape in zip(truths, tapes, strict=True)
        for row in _learned(seed, learner, truth, tape)
    ]  # fmt: skip
    return Recovery(pd.DataFrame(intervals), pd.DataFrame(fits))


def _reference(seed: int, truths: Sequence[Truth], given: Evidence, backend: Backend) -> tuple[list[dict], list[dict]]:
    intervals, fits = [], []
    for parameter in MODELLED:
        found = fit(parameter, given, backend, seed=seed, quick=True, progress=False)
        judged = found.gate
        fits.append(
            {
                "world": seed, "parameter": parameter, "admitted": judged.passed, "tries": found.tries,
                "min_ess": judged.min_ess, "max_rhat": judged.max_rhat, "divergences": judged.divergences,
                "seconds": found.seconds,
            }
        )  # fmt: skip
        for name in REPORTED[parameter]:
            draws = found.posterior["posterior"][name]
            intervals += [
                _of_draws(seed, REFERENCE, name, truth, draws.sel(asset=truth.asset).to_numpy().ravel())
                for truth in truths
            ]
    return intervals, fits


def _learned(seed: int, learner: Learner, truth: Truth, tape: Tape) -> Iterator[dict]:
    belief = learner.posterior(run(learner, tape))
    method, true = name_of(learner), getattr(truth, learner.parameter)
    low, high = belief.ppf((1 - LEVEL) / 2), belief.ppf((1 + LEVEL) / 2)
    yield _row(
        seed, method, learner.parameter, truth.asset, true, low, high, belief.mean(), belief.std(), belief.cdf(true)
    )
    if isinstance(belief, IntensityBelief):
        _, intensity = belief.joint(_JOINT_DRAWS, random_state=seed)
        yield _of_draws(seed, method, "A", truth, intensity)


def _of_draws(seed: int, method: str, parameter: str, truth: Truth, draws: np.ndarray) -> dict:
    true = getattr(truth, parameter)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    rank = (draws < true).mean()
    return _row(seed, method, parameter, truth.asset, true, low, high, draws.mean(), draws.std(), rank)


def _row(world: int, method: str, parameter: str, asset: str, *numbers: float) -> dict:
    names = ("truth", "low", "high", "mean", "sd", "rank")
    values = dict(zip(names, map(float, numbers), strict=True))
    return {"world": world, "method": method, "parameter": parameter, "asset": asset, **values}


def report(found: Recovery) -> str:
    """Say in words and tables what was found."""
    cover = found.coverage()
    per_cent = "{:6.1%}".format
    lines = [
        f"{'method':<22}{'parameter':<18}{'held':>11}{'coverage':>10}   binomial 95 %    over worlds 95 %  bias/sd"
    ]
    for r in cover.itertuples():
        lines.append(
            f"{r.method:<22}{r.parameter:<18}{f'{r.held}/{r.intervals}':>11}{per_cent(r.coverage):>10}"
            f"   {per_cent(r.low)}-{per_cent(r.high)}   {per_cent(r.world_low)}-{per_cent(r.world_high)}"
            f"  {r.bias_sd:+7.3f}{'' if r.low <= LEVEL <= r.high else '   <- not 90 %'}"
        )
    lines.append("")
    for parameter, part in found.fits.groupby("parameter", sort=False):
        lines.append(
            f"gate, {parameter:<17} admitted {int(part['admitted'].sum())} of {len(part)}, "
            f"{int((part['tries'] > 1).sum())} at the second try; least ESS {part['min_ess'].min():.0f}, "
            f"largest R-hat {part['max_rhat'].max():.4f}, {part['seconds'].mean():.1f} s a fit"
        )
    return "\n".join(lines)


@click.command()
@click.option("--worlds", default=6, show_default=True, help="How many worlds; 50 for the claim.")
@click.option("--seconds", default=3600.0, show_default=True, help="Length of the tapes.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--backend", default="pymc", show_default=True, type=click.Choice(["pymc", "numpyro"]))
@click.option("--save", type=click.Path(path_type=Path), help="Write every interval to this CSV file.")
def main(worlds: int, seconds: float, jobs: int, backend: Backend, save: Path | None) -> None:
    """Print the coverage of 90 % intervals."""
    start = perf_counter()
    with Progress(console=Console(stderr=True)) as progress:
        found = recover(worlds, seconds, backend, jobs, progress)
    print(f"{worlds} worlds of {ASSETS} assets, {seconds:g} s each, {backend}; {perf_counter() - start:.0f} s in all")
    if worlds < 50:
        print("Few worlds: wide intervals. The claim is about 50: python -m benchmarks.recovery --worlds 50")
    print(report(found))
    if save:
        found.intervals.to_csv(save, index=False)


if __name__ == "__main__":
    main()
