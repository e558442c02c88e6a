"""Do 90 % intervals hold the truth 90 % of the time? Reference models and sound learners in worlds of eight assets.

Each world draws its assets from one population and plays them; every method states an interval for every asset. The
share of intervals that hold the truth comes with two 95 % intervals of its own: the binomial one (Clopper-Pearson),
and one with worlds as the units, since the assets of a world share a fit.

A Bayesian interval is right on average over what its author supposes, so whom 90 % is asked of depends on the world:

    plain       windows are alike: the learners suppose it, and so do the models without window effects. The full
                reference allows for windows that differ, so here it may cover more than 90 %, not less.
    wandering   windows differ, by as much as the reference's own priors say: each world draws the sd of log kappa, the
                sd of the intensity and the intra-class correlation of labels from them. Here the full reference is
                asked for 90 %; the learners, who suppose that windows are alike, are shown beside it. The floor's
                model supposes Normal windows of cost, while here they follow from Beta windows of labels. In four
                samples of fifty worlds each it held 339 to 360 of 400 (1399 of 1600), and 354 in a later one; models
                with a share and a cost for informed fills, each with effects of windows, held no more, at six times
                the work.
    costly      the mean cost of a fill differs between windows, as far as the priors of the floor's model say; every
                fill is informed, by a Normal jump. The floor's reference is asked, and nobody else.

The truths of the assets come from the population of the worlds, which no prior names: the share thus also tells
whether the hyperpriors are weak enough not to matter. A is the mean over windows, kappa the median.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from scipy import stats

from mmresearch.learn.contract import Learner, name_of, run
from mmresearch.learn.sound.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.kappa import IntensityBelief, KappaExposure
from mmresearch.models import processes
from mmresearch.models.fit import MODELLED, Backend, fit
from mmresearch.models.priors import AlphaPriors, FloorPriors, KappaPriors
from mmresearch.sim.population import population
from mmresearch.sim.truth import PLAIN, Stress, Truth, with_values
from mmresearch.sim.worlds import simulate
from mmresearch.tape.evidence import Evidence, evidence
from mmresearch.tape.schema import Tape

LEVEL = 0.9
#: Confidence of the interval of a share.
CONFIDENCE = 0.95
ASSETS = 8
KINDS = ("plain", "wandering", "costly")
REFERENCE, ALIKE = "reference", "windows alike"
LEARNERS: tuple[Learner, ...] = (KappaExposure(), AlphaTouch(), AlphaTouchLabelError(), SpreadFloor())
#: Options of the models, by method.
OPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    REFERENCE: {parameter: {} for parameter in MODELLED},
    ALIKE: {
        "kappa": {"window_effect": False, "overdispersion": False},
        "alpha_touch": {"overdispersion": False},
        "spread_floor_bps": {"window_effect": False},
    },
}
#: Parameters that a kind of world is about.
ABOUT: Mapping[str, tuple[str, ...]] = {"plain": MODELLED, "wandering": MODELLED, "costly": ("spread_floor_bps",)}
#: Models that are fitted in a kind of world, and methods of which 90 % is asked there.
FITTED: Mapping[str, tuple[str, ...]] = {
    "plain": (REFERENCE, ALIKE),
    "wandering": (REFERENCE,),
    "costly": (REFERENCE,),
}
ASKED: Mapping[str, tuple[str, ...]] = {
    "plain": (ALIKE, *(name_of(learner) for learner in LEARNERS)),
    "wandering": (REFERENCE,),
    "costly": (REFERENCE,),
}
#: Variables that the model of a parameter reports.
REPORTED = {"kappa": ("kappa", "A"), "alpha_touch": ("alpha_touch",), "spread_floor_bps": ("spread_floor_bps",)}
_JOINT_DRAWS = 4_000
#: Seeds of worlds that may be drawn from one seed of the benchmark.
_SEEDS = 1_000
#: What tells the seeds of the kinds apart.
_OFFSETS = {"plain": 0, "wandering": 1, "costly": 1_000_000}

Truths = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Recovery:
    """What was found in some worlds.

    Attributes
    ----------
    intervals : pandas.DataFrame
        One row for each interval: kind and seed of the world, method, parameter, asset, truth, low, high, mean, sd.
    fits : pandas.DataFrame
        One row for each fit: kind and seed of the world, method, parameter, admitted, tries, min_ess, max_rhat,
        divergences, seconds.
    """

    intervals: pd.DataFrame
    fits: pd.DataFrame

    @staticmethod
    def joined(parts: Sequence[Recovery]) -> Recovery:
        """Put worlds together, in an order that does not depend on which was ready first."""
        order = sorted(parts, key=lambda p: (str(p.intervals["kind"].iloc[0]), int(p.intervals["world"].iloc[0])))
        return Recovery(
            pd.concat([p.intervals for p in order], ignore_index=True),
            pd.concat([p.fits for p in order], ignore_index=True),
        )

    def coverage(self) -> pd.DataFrame:
        """Return the coverage of each method and parameter in each kind of world.

        Returns
        -------
        pandas.DataFrame
            kind, method, parameter, asked (whether 90 % is), worlds, held, of, share, low, high (Clopper-Pearson),
            world_low, world_high (worlds as units), mean_z, sd_z (of (mean - truth)/sd of the belief), width (mean
            width of the interval, as a fraction of the truth).
        """
        rows = []
        for (kind, method, parameter), part in self.intervals.groupby(["kind", "method", "parameter"], sort=False):
            held = (part["low"] <= part["truth"]) & (part["truth"] <= part["high"])
            low, high = clopper_pearson(int(held.sum()), len(held))
            world_low, world_high = over_worlds(held.groupby(part["world"]).mean().to_numpy())
            z = (part["mean"] - part["truth"]) / part["sd"]
            rows.append(
                {
                    "kind": kind, "method": method, "parameter": parameter,
                    "asked": is_asked(str(kind), method, parameter),
                    "worlds": part["world"].nunique(), "held": int(held.sum()), "of": len(held),
                    "share": float(held.mean()), "low": low, "high": high, "world_low": world_low,
                    "world_high": world_high, "mean_z": float(z.mean()), "sd_z": float(z.std()),
                    "width": float(((part["high"] - part["low"]) / part["truth"]).mean()),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def admissions(self) -> pd.DataFrame:
        """Return what the gate said, by kind of world, method and model."""
        by = self.fits.groupby(["kind", "method", "parameter"], sort=False)
        return by.agg(
            fits=("admitted", "size"), admitted=("admitted", "sum"), repeated=("tries", lambda t: int((t > 1).sum())),
            divergences=("divergences", "sum"), min_ess=("min_ess", "min"), max_rhat=("max_rhat", "max"),
            seconds=("seconds", "mean"),
        ).reset_index()  # fmt: skip


def is_asked(kind: str, method: str, parameter: str) -> bool:
    """Whether 90 % is asked of a method for a parameter (of a model: for what it reports) in a kind of world."""
    return method in ASKED[kind] and any(parameter in REPORTED[name] for name in ABOUT[kind])


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


def _own(seed: int, what: int) -> np.random.Generator:
    """Random numbers of the world itself, apart from those of its assets' tapes, which are seeded (seed, asset)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(what, 78)))


def wandering(seed: int) -> Stress:
    """Draw from the reference's own priors how far the windows of a world differ."""
    rng = _own(seed, 2)
    kappa, alpha = KappaPriors(), AlphaPriors()
    wander, burst = np.abs(rng.normal(0.0, [kappa.wander_kappa_scale, kappa.burst_scale]))
    return Stress(icc=float(rng.beta(alpha.rho_a, alpha.rho_b)), kappa_wander=float(wander), burst=float(burst))


def recover(
    worlds: int,
    seconds: float,
    backend: Backend = "pymc",
    jobs: int = 2,
    seed: int = 1,
    kinds: Sequence[str] = KINDS,
    parameters: Sequence[str] = MODELLED,
    progress: Progress | None = None,
) -> Recovery:
    """State intervals in several worlds of each kind and compare them with the truth.

    Parameters
    ----------
    worlds : int
        How many of each kind.
    seconds : float
        Length of the tapes.
    backend : {"pymc", "numpyro"}
        Who fits the reference.
    jobs : int
        Processes; the result does not depend on it.
    seed : int
        Decides the seeds of the worlds.
    kinds : sequence of {"plain", "wandering", "costly"}
        Kinds of world.
    parameters : sequence of str
        Parameters of which intervals are stated.
    progress : rich.progress.Progress, optional
        Where to show how far it is.
    """
    which = [(kind, 2 * (_SEEDS * seed + i) + _OFFSETS[kind]) for i in range(worlds) for kind in kinds]
    task = progress.add_task("worlds", total=len(which)) if progress else None
    parts = []
    about = tuple(parameters)
    for part in _parts(partial(one_world, seconds=seconds, backend=backend, parameters=about), which, jobs):
        parts.append(part)
        if progress and task is not None:
            progress.advance(task)
    return Recovery.joined(parts)


def _parts(job: partial[Recovery], which: Sequence[tuple[str, int]], jobs: int) -> Iterator[Recovery]:
    if jobs == 1:
        yield from (job(*one) for one in which)
        return

    with ProcessPoolExecutor(max_workers=jobs, mp_context=processes.context("mmresearch.audit.run")) as pool:
        for future in as_completed([pool.submit(job, *one) for one in which]):
            yield future.result()


def one_world(
    kind: str, seed: int, seconds: float, backend: Backend = "pymc", parameters: Sequence[str] = MODELLED
) -> Recovery:
    """Play one world, fit the models, run the learners.

    Parameters
    ----------
    kind : {"plain", "wandering", "costly"}
        How windows differ.
    seed : int
        Of truths, tapes and sampler.
    seconds : float
        Length of the tapes.
    backend : {"pymc", "numpyro"}
        Who fits the reference.
    parameters : sequence of str
        Parameters of which intervals are stated, if the kind of world is about them.
    """
    truths, tapes = played(kind, seed, seconds)
    about = [name for name in ABOUT[kind] if name in parameters]
    intervals, fits = [], []
    for method in FITTED[kind]:
        stated, judged = _modelled(method, about, seed, truths, evidence(tapes), backend)
        intervals += stated
        fits += judged
    learners = [learner for learner in LEARNERS if learner.parameter in about]
    intervals += [row for learner in learners for tape in tapes for row in _learned(learner, seed, truths, tape)]
    where = {"kind": kind, "world": seed}
    return Recovery(pd.DataFrame([where | row for row in intervals]), pd.DataFrame([where | row for row in fits]))


def played(kind: str, seed: int, seconds: float) -> tuple[Truths, list[Tape]]:
    """Play a world.

    Parameters
    ----------
    kind : {"plain", "wandering", "costly"}
        How its windows differ.
    seed : int
        Of truths and tapes.
    seconds : float
        Length of the tapes.

    Returns
    -------
    truths : mapping
        Asset -> variable -> value; A is the mean over windows, kappa the median.
    tapes : list of Tape
        One an asset.
    """
    stress = {"plain": lambda _: PLAIN, "wandering": wandering, "costly": costly}[kind](seed)
    true = population(ASSETS, seed)
    if kind == "costly":
        true = [_all_informed(t, sd) for t, sd in zip(true, _jump_sds(seed), strict=True)]
    tapes = [simulate(t, seconds, seed=[seed, i], stress=stress) for i, t in enumerate(true)]
    names = ("kappa", "A", "alpha_touch", "spread_floor_bps")
    return {t.asset: {name: getattr(t, name) for name in names} for t in true}, tapes


def costly(seed: int) -> Stress:
    """Draw from the priors of the floor's model how far the windows of a world differ in cost."""
    return Stress(cost_wander=float(abs(_own(seed, 3).normal(0.0, FloorPriors().c_scale))))


def _jump_sds(seed: int) -> np.ndarray:
    return _own(seed, 4).lognormal(np.log(4.0), 0.3, ASSETS)


def _all_informed(truth: Truth, sd_bps: float) -> Truth:
    """Let every fill be followed by a Normal jump, with the floor as it was."""
    mean_bps = truth.alpha_touch * truth.adverse_bps
    return with_values(truth, alpha_touch=1.0, adverse_bps=mean_bps, adverse_sd_bps=float(sd_bps))


def _modelled(
    method: str, parameters: Sequence[str], seed: int, truths: Truths, given: Evidence, backend: Backend
) -> tuple[list[dict], list[dict]]:
    intervals, fits = [], []
    for parameter in parameters:
        found = fit(parameter, given, backend, seed=seed, quick=True, progress=False, **OPTIONS[method][parameter])
        judged = found.gate
        fits.append(
            {
                "method": method, "parameter": parameter, "admitted": judged.passed, "tries": found.tries,
                "min_ess": judged.min_ess, "max_rhat": judged.max_rhat, "divergences": judged.divergences,
                "seconds": found.seconds,
            }
        )  # fmt: skip
        for name in REPORTED[parameter]:
            draws = found.posterior["posterior"][name]
            intervals += [
                _of_draws(method, name, asset, true[name], draws.sel(asset=asset).to_numpy().ravel())
                for asset, true in truths.items()
            ]
    return intervals, fits


def _learned(learner: Learner, seed: int, truths: Truths, tape: Tape) -> Iterator[dict]:
    belief = learner.posterior(run(learner, tape))
    method, name, true = name_of(learner), learner.parameter, truths[tape.asset]
    low, high = belief.ppf((1 - LEVEL) / 2), belief.ppf((1 + LEVEL) / 2)
    yield _row(method, name, tape.asset, true[name], low, high, belief.mean(), belief.std())
    if isinstance(belief, IntensityBelief):
        _, intensity = belief.joint(_JOINT_DRAWS, random_state=seed)
        yield _of_draws(method, "A", tape.asset, true["A"], intensity)


def _of_draws(method: str, parameter: str, asset: str, true: float, draws: np.ndarray) -> dict:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return _row(method, parameter, asset, true, low, high, draws.mean(), draws.std())


def _row(method: str, parameter: str, asset: str, *numbers: float) -> dict:
    values = dict(zip(("truth", "low", "high", "mean", "sd"), map(float, numbers), strict=True))
    return {"method": method, "parameter": parameter, "asset": asset, **values}


def report(found: Recovery) -> str:
    """Say in tables what was found."""
    parameters = [name for names in REPORTED.values() for name in names]
    rows = sorted(_records(found.coverage()), key=lambda r: (KINDS.index(r["kind"]), parameters.index(r["parameter"])))
    lines = [
        f"{'world':<11}{'parameter':<18}{'who':<22}{'held':>5}{'of':>5}{'share':>8}   {'binomial 95 %':<15}"
        f"{'over worlds 95 %':<18}{'mean z':>6}{'sd z':>6}{'width':>7}  90 %?"
    ]
    for r in rows:
        binomial, over = f"{r['low']:.1%}-{r['high']:.1%}", f"{r['world_low']:.1%}-{r['world_high']:.1%}"
        answer = ("yes" if r["low"] <= LEVEL <= r["high"] else "NO") if r["asked"] else "not asked"
        lines.append(
            f"{r['kind']:<11}{r['parameter']:<18}{r['method']:<22}{r['held']:>5}{r['of']:>5}{r['share']:>8.1%}   "
            f"{binomial:<15}{over:<18}{r['mean_z']:>+6.2f}{r['sd_z']:>6.2f}{r['width']:>7.1%}  {answer}"
        )
    lines += [
        "",
        f"{'world':<11}{'model':<18}{'who':<22}{'admitted':>8}{'of':>5}{'repeated':>10}{'divergences':>13}"
        f"{'least ESS':>11}{'R-hat':>8}{'s a fit':>9}",
    ]
    for r in _records(found.admissions()):
        lines.append(
            f"{r['kind']:<11}{r['parameter']:<18}{r['method']:<22}{r['admitted']:>8}{r['fits']:>5}{r['repeated']:>10}"
            f"{r['divergences']:>13}{r['min_ess']:>11.0f}{r['max_rhat']:>8.4f}{r['seconds']:>9.1f}"
        )
    return "\n".join(lines)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


@click.command()
@click.option("--worlds", default=2, show_default=True, help="How many of each kind; 50 for the claim.")
@click.option("--seconds", default=3600.0, show_default=True, help="Length of the tapes.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--seed", default=1, show_default=True, help="Decides the seeds of the worlds.")
@click.option("--backend", default="pymc", show_default=True, type=click.Choice(["pymc", "numpyro"]))
@click.option("--kind", "kinds", multiple=True, default=KINDS, show_default=True, type=click.Choice(KINDS))
@click.option("--parameter", "parameters", multiple=True, default=MODELLED, type=click.Choice(MODELLED))
@click.option("--save", type=click.Path(path_type=Path), help="Write every interval to this CSV file.")
def main(
    worlds: int,
    seconds: float,
    jobs: int,
    seed: int,
    backend: Backend,
    kinds: tuple[str, ...],
    parameters: tuple[str, ...],
    save: Path | None,
) -> None:
    """Print the coverage of 90 % intervals."""
    start = perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        found = recover(worlds, seconds, backend, jobs, seed, kinds, parameters, progress)
    print(
        f"{worlds} worlds of {ASSETS} assets ({' and '.join(kinds)}), {seconds:g} s each, {backend}; "
        f"{perf_counter() - start:.0f} s in all"
    )
    if worlds < 50:
        print("Few worlds, so wide intervals; the claim is about 50: python -m benchmarks.recovery --worlds 50")
    print(report(found))
    if save:
        found.intervals.to_csv(save, index=False)


if __name__ == "__main__":
    main()
