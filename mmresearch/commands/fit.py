"""``mmresearch fit``: hierarchical models fitted to tapes, draws kept, priors handed back."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from mmresearch import models
from mmresearch.audit.run import BACKENDS
from mmresearch.belief.catalogue import parameter as catalogue_row
from mmresearch.belief.prior_file import HandedBack, render_priors
from mmresearch.belief.projection import ProjectionError
from mmresearch.commands.audit import Truths, tapes_of
from mmresearch.commands.tape_option import TapeCommand
from mmresearch.learn.storage.atomic import write_whole
from mmresearch.learn.storage.deployed_json import SUFFIX, write_deployed
from mmresearch.learn.storage.learned import defaults
from mmresearch.models.batch import Batch, Made, make_fits, requests_for
from mmresearch.models.engines import Engine, engine_of
from mmresearch.models.gate import Gate
from mmresearch.models.inputs import kind_of, model_of, reduce_tapes
from mmresearch.models.keys import told, versions
from mmresearch.models.options import parsed_for
from mmresearch.models.population import PopulationError, handed_back
from mmresearch.report.fits import Estimate, FitLine, document, show_estimates, show_fits, show_priors
from mmresearch.report.progress import progress_bar
from mmresearch.report.terminal import console_of
from mmresearch.tape.schema import Tape

_REFUSED, _NO_FIT = 1, 2


@click.command("fit", cls=TapeCommand, context_settings={"show_default": True})
@click.argument("parameters", nargs=-1, metavar="[PARAMETER]...")
@click.option("--tape", "tapes", multiple=True, metavar="PATH...", help="Tapes to fit to; [default: the bundled tapes]")
@click.option("--features", is_flag=True, help="Without --tape: the bundled tapes with signals, regimes, Hawkes flow.")
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="both", help="Who fits.")
@click.option("--quick", is_flag=True, help="Shorter chains; the gate stays.")
@click.option(
    "--option", "words", multiple=True, metavar="NAME=VALUE", help="Option of the models, such as pooling=false."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of the samplers.")
@click.option("--jobs", type=click.IntRange(min=1), default=min(4, os.cpu_count() or 1), help="Fits at a time.")
@click.option(
    "--cluster", metavar="local|tcp://...", help="Fit on Dask: one of this machine, or a scheduler's address."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/fit"), help="Where fits are kept."
)
@click.option(
    "--priors",
    "priors_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write priors for a new asset here, and beside it in the deployed format.",
)
@click.option("--fail-on-refused", is_flag=True, help="Exit with 1 if the gate refuses a fit.")
@click.option("--fee-bps", type=float, default=1.5, help="Maker fee of tapes that do not say; negative: a rebate.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the bundled tapes are.")
def command(
    parameters: tuple[str, ...],
    tapes: tuple[str, ...],
    features: bool,
    backend: str,
    quick: bool,
    words: tuple[str, ...],
    seed: int,
    jobs: int,
    cluster: str | None,
    out: Path,
    priors_path: Path | None,
    fail_on_refused: bool,
    fee_bps: float,
    data_dir: Path | None,
) -> None:
    """Fit the hierarchical reference models of parameters to tapes; without PARAMETER, all that there are.

    A PATH is a Parquet tape, a raw vendor file, or the stem of a CSV pair; NAME=PATH names its asset. A fit that is in
    --out already, made of the same data, model, settings and versions, is taken from there: an interrupted run goes on
    where it was.
    """
    if tapes and features:
        raise click.UsageError("--features chooses among the bundled tapes; leave it out, or leave --tape out")
    wanted = requests_for((catalogue_row(name).name for name in parameters), BACKENDS[backend], quick=quick, seed=seed)
    options = parsed_for((r.model for r in wanted), words)
    requests = [replace(request, options=options) for request in wanted]
    engine = _engine(cluster, jobs)
    given = tapes_of(tapes, fee_bps, data_dir, features)
    evidence = _evidence([r.parameters[0] for r in requests], given.tapes)
    with progress_bar() as progress:
        batch = make_fits(requests, evidence, out / "fits", engine, progress)
    lines = [_line(made) for made in batch.made]
    estimates = [e for made in batch.made for e in _estimates(made, given.truths or {})]
    console = console_of()
    show_fits(lines, console)
    show_estimates(estimates, console)
    _tell(batch, out, console)
    facts = {
        "seed": seed,
        "quick": quick,
        "options": told(options),
        "versions": versions(),
        "tapes": [asdict(s) for s in given.summaries],
    }
    write_whole(out / "fits.json", json.dumps(document(lines, estimates, facts), indent=1).encode())
    if priors_path is not None:
        _hand_back(batch, given.tapes, priors_path, console)
    sys.exit(_exit_code(lines, bool(parameters), fail_on_refused))


def _engine(cluster: str | None, jobs: int) -> Engine:
    return engine_of(jobs) if cluster is None else models.cluster.engine_on(cluster, jobs)


def _evidence(parameters: Sequence[str], tapes: Sequence[Tape]) -> dict[str, Any]:
    """Reduce the tapes once for each kind of evidence; model -> what it reads."""
    kinds = {model_of(name): kind_of(name, tapes) for name in parameters}
    reduced = {kind: reduce_tapes(kind, tapes) for kind in dict.fromkeys(kinds.values())}
    return {model: reduced[kind] for model, kind in kinds.items()}


def _line(made: Made) -> FitLine:
    names, backend = made.request.parameters, made.request.backend
    if made.fit is None:
        return FitLine(names, backend, math.nan, 0, math.nan, math.nan, 0, False, False, f"no fit: {made.why_not}")
    gate = made.fit.gate
    return FitLine(
        names, backend, made.fit.seconds, made.fit.tries, gate.min_ess, gate.max_rhat, gate.divergences, gate.passed,
        made.reused, _why_refused(gate), str(made.path),
    )  # fmt: skip


def _why_refused(gate: Gate) -> str:
    failed = gate.table[~gate.table["passed"]]
    rows = zip(failed["check"], failed["variable"], failed["value"], failed["bound"], strict=True)
    said = [f"{check} of {variable} is {value:.4g} against {bound:g}" for check, variable, value, bound in rows]
    return f"refused: {'; '.join(said)}" if said else ""


def _estimates(made: Made, truths: Truths) -> Iterator[Estimate]:
    if made.fit is None:
        return
    posterior = made.fit.posterior["posterior"]
    for name in (n for n in made.request.parameters if n in posterior):
        draws = posterior[name]
        for asset in map(str, draws["asset"].to_numpy()):
            mean, (lo, hi) = _summary(draws.sel(asset=asset).to_numpy())
            truth = truths.get(asset, {}).get(name)
            yield Estimate(name, catalogue_row(name).unit, made.request.backend, asset, mean, lo, hi, truth)


def _summary(draws: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    lo, hi = np.quantile(draws, (0.05, 0.95))
    return float(draws.mean()), (float(lo), float(hi))


def _hand_back(batch: Batch, tapes: Sequence[Tape], path: Path, console: Console) -> None:
    """Write the priors of the admitted fits, the first backend's where there are two, and say why others have none."""
    fee_bps = float(np.median([tape.meta.fee_bps for tape in tapes]))
    priors: dict[str, HandedBack] = {}
    made_from: dict[str, str] = {}
    for made in batch.made:
        for name in made.request.parameters:
            if name in priors or made.fit is None:
                continue
            if not made.fit.gate.passed:
                console.print(f"{name} in {made.request.backend}: a fit that is refused hands no prior back")
                continue
            try:
                priors[name] = handed_back(name, made.fit.posterior, fee_bps=fee_bps)
                made_from[name] = made.path.name
            except (PopulationError, ProjectionError) as error:
                console.print(f"{name}: no prior: {error}", soft_wrap=True)
    facts = {"assets": [tape.asset for tape in tapes], "fee_bps": fee_bps, "fits": made_from}
    write_whole(path, render_priors(priors, facts).encode())
    deployed = path.with_name(path.name.removesuffix(path.suffix) + SUFFIX)
    notes = write_deployed(defaults("NEW", priors=priors), deployed)
    show_priors(priors, console)
    for note in notes:
        console.print(note)
    console.print(f"priors  {path}, and as deployed {deployed}", soft_wrap=True)


def _tell(batch: Batch, out: Path, console: Console) -> None:
    kept = sum(made.reused for made in batch.made)
    console.print()
    for made in batch.made:
        if made.fit is not None and (lacks := set(made.request.parameters) - set(made.fit.posterior["posterior"])):
            console.print(f"{', '.join(sorted(lacks))}: no part of {made.request.name} with {made.fit.options}")
    for said in batch.set_aside:
        console.print(Text("set aside  ", style="bold") + Text(said), soft_wrap=True)
    if kept:
        console.print(f"{kept} of {len(batch.made)} fits were there already, made of the same things")
    console.print(f"draws  {out / 'fits'}", soft_wrap=True)


def _exit_code(lines: Sequence[FitLine], named: bool, fail_on_refused: bool) -> int:
    """Return 2 if a parameter that was asked for by name has no fit, 1 for a refused fit where that matters, else 0."""
    if named and any(line.state == "no fit" for line in lines):
        return _NO_FIT
    return _REFUSED if fail_on_refused and any(line.state == "refused" for line in lines) else 0
