"""``mmresearch audit``: learners x tapes against the hierarchical fits; table, report and exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from mmresearch.audit.identity import summarise_tape
from mmresearch.audit.kept import kept_findings
from mmresearch.audit.references import References, Task
from mmresearch.audit.result import VERDICTS, Audit, TapeSummary
from mmresearch.audit.run import BACKENDS, audit
from mmresearch.belief.catalogue import parameter as catalogue_row
from mmresearch.belief.prior_file import read_priors
from mmresearch.commands.tape_option import TapeCommand
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner, load_learner
from mmresearch.learn.with_priors import learners_with
from mmresearch.models.fit import Fit
from mmresearch.models.store import save_fit
from mmresearch.report.progress import progress_bar
from mmresearch.report.terminal import console_of, show
from mmresearch.report.verdicts import at_least_as_bad
from mmresearch.report.write import write_report
from mmresearch.sim.bundle import example, example_truths
from mmresearch.tape.evidence import Evidence
from mmresearch.tape.faults import Account
from mmresearch.tape.read import read_with_account
from mmresearch.tape.schema import Tape

_FAILED = 1
Truths = Mapping[str, Mapping[str, float]]


@click.command("audit", cls=TapeCommand, context_settings={"show_default": True})
@click.option(
    "--tape", "tapes", multiple=True, metavar="PATH...", help="Tapes to audit on; [default: the bundled tapes]"
)
@click.option("--learner", "learners", multiple=True, metavar="NAME", help="package.module:Class, or a bundled name.")
@click.option(
    "--priors", "priors_path", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
    help="The sound learners that start from these priors of `mmresearch fit --priors`, made of other tapes.",
)  # fmt: skip
@click.option("--parameter", "parameters", multiple=True, metavar="NAME", help="Only learners of this parameter.")
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="both", help="Who fits the reference.")
@click.option("--quick", is_flag=True, help="Fewer worlds and shorter chains; the bounds stay.")
@click.option("--seed", type=int, help="Everything derives from it. [default: from learners, tapes and version]")
@click.option("--jobs", type=click.IntRange(min=1), default=min(4, os.cpu_count() or 1), help="Processes.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/audit"), help="Where to write."
)
@click.option("--fail-on", type=click.Choice(VERDICTS), help="Exit with 1 at this verdict or a worse one.")
@click.option("--fee-bps", type=float, default=1.5, help="Maker fee of tapes that do not say; negative: a rebate.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the bundled tapes are.")
@click.option("--features", is_flag=True, help="Without --tape: the bundled tapes with signals, regimes, Hawkes flow.")
@click.option(
    "--references",
    type=click.Choice(["fills", "all"]),
    help="Fit what fills and market orders teach, or series too (minutes). [default: all if learners are named]",
)
@click.option("--by-tape/--no-by-tape", default=None, help="Print the numbers of every tape.")
def command(
    tapes: tuple[str, ...],
    learners: tuple[str, ...],
    priors_path: Path | None,
    parameters: tuple[str, ...],
    backend: str,
    quick: bool,
    seed: int | None,
    jobs: int,
    out: Path,
    fail_on: str | None,
    fee_bps: float,
    data_dir: Path | None,
    features: bool,
    references: References | None,
    by_tape: bool | None,
) -> None:
    """Audit learners on tapes and write the report.

    A PATH is a Parquet tape, a raw vendor file, or the stem of a CSV pair; NAME=PATH names its asset. Without --learner
    every bundled learner is audited; without --tape the bundled tapes are used, whose truths are known.

    What worlds say of a bundled learner is kept under ~/.cache/mmresearch until the code changes; MMRESEARCH_NO_CACHE=1
    asks anew.
    """
    wanted = [catalogue_row(name).name for name in parameters] or None
    chosen = [*map(learner_of, learners), *(learners_with(read_priors(priors_path)) if priors_path else ())] or None
    given = tapes_of(tapes, fee_bps, data_dir, features)
    which: References = references or ("all" if chosen or wanted else "fills")
    console = console_of()
    with progress_bar() as progress:
        found = audit(
            given.tapes, chosen, parameters=wanted, backend=backend, quick=quick, seed=seed, jobs=jobs,
            progress=progress, truths=given.truths, summaries=given.summaries,
            keep=partial(save_draws, out / "draws"), references=which, known=kept_findings(),
        )  # fmt: skip
    written = write_report(found.audit, out)
    show(found.audit, console, by_tape)
    console.print(f"report  {written.html}", soft_wrap=True)
    sys.exit(_FAILED if fail_on and is_worse(found.audit, fail_on) else 0)


def learner_of(name: str) -> Learner:
    """Make the learner of a name: a bundled one, or ``package.module:Class`` from the path or the working folder.

    Raises
    ------
    LearnerError
        If there is no such learner.
    """
    if name in BUNDLED:
        return BUNDLED[name]()
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return load_learner(name)


@dataclass(frozen=True)
class Given:
    """Tapes, what the report says about each, and their truths where these are known."""

    tapes: list[Tape]
    summaries: list[TapeSummary]
    truths: Truths | None


def tapes_of(paths: Sequence[str], fee_bps: float = 1.5, data_dir: Path | None = None, features: bool = False) -> Given:
    """Read tapes, or the bundled ones with their truths if none is named.

    Parameters
    ----------
    paths : sequence of str
        ``PATH`` or ``ASSET=PATH``.
    fee_bps : float
        Maker fee in bps of tapes that do not say.
    data_dir : Path, optional
        Where the bundled tapes are.
    features : bool
        Which bundled tapes: those with features.
    """
    if not paths:
        bundled, truths = example(data_dir, features), example_truths(data_dir, features)
        return Given(bundled, [summarise_tape(t, f"{t.asset}.tape") for t in bundled], truths)
    read = [_read(path, fee_bps) for path in paths]
    summaries = [summarise_tape(tape, path, account.lines) for path, (tape, account) in zip(paths, read, strict=True)]
    return Given([tape for tape, _ in read], summaries, None)


def _read(text: str, fee_bps: float) -> tuple[Tape, Account]:
    asset, equals, path = text.partition("=")
    if equals and asset.isidentifier() and not Path(text).exists():
        return read_with_account(path, asset=asset, fee_bps=fee_bps)
    return read_with_account(text, fee_bps=fee_bps)


def save_draws(folder: Path, task: Task, fitted: Fit, given: Evidence) -> None:
    """Keep the draws of a reference fit, a zarr folder each.

    Parameters
    ----------
    folder : Path
        Where the folders are.
    task : Task
        Which fit it is: its model, source of events and backend name the folder.
    fitted : Fit
        The draws.
    given : Evidence
        What was fitted; its hash is stored.
    """
    source = task.source.replace(" ", "-")
    save_fit(fitted, folder / f"{task.model}.{source}.{task.backend}.zarr", given)


def is_worse(audit: Audit, limit: str) -> bool:
    """Whether a certificate comes at or before the limit in the order of precedence."""
    return any(at_least_as_bad(c.verdict, limit) for c in audit.certificates)
