"""``mmresearch audit``: learners on tapes, against the hierarchical fits, with a report that works offline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mmresearch.audit.result import VERDICTS, Audit, TapeSummary
from mmresearch.audit.run import BACKENDS, Outcome, summarise_tape
from mmresearch.audit.run import audit as run_audit
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner, load_learner
from mmresearch.models.store import save_fit
from mmresearch.report.tables import terminal_table
from mmresearch.report.write import write_report
from mmresearch.sim.bundle import data_dir, example, example_truths
from mmresearch.tape.read import read_with_account
from mmresearch.tape.schema import Tape


@click.command()
@click.option(
    "--tape", "paths", multiple=True, metavar="PATH", help="Tape, vendor file, or stem of a CSV pair. Repeat it."
)
@click.option(
    "--learner", "names", multiple=True, metavar="MODULE:CLASS", help="Who is audited; or the name of a bundled one."
)
@click.option("--parameter", "parameters", multiple=True, help="Only learners of these parameters.")
@click.option(
    "--backend", type=click.Choice(list(BACKENDS)), default="both", show_default=True, help="Who fits the reference."
)
@click.option("--quick", is_flag=True, help="Fewer replicates, shorter chains; the bounds stay.")
@click.option("--seed", type=int, help="Everything derives from it; by default from learners, tapes and version.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes; results do not depend on it."
)
@click.option("--fee-bps", type=float, default=1.5, show_default=True, help="Maker fee of market-data tapes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/audit"),
    show_default=True,
    help="Where the report goes.",
)
@click.option("--fail-on", type=click.Choice(VERDICTS), help="Exit with 1 if any verdict is this one or worse.")
def audit(
    paths: tuple[str, ...],
    names: tuple[str, ...],
    parameters: tuple[str, ...],
    backend: str,
    quick: bool,
    seed: int | None,
    jobs: int,
    fee_bps: float,
    out: Path,
    fail_on: str | None,
) -> None:
    """Audit learners on tapes; on the bundled ones if no --tape is given."""
    console = Console(width=100)
    tapes, summaries, truths = _tapes(paths, fee_bps)
    learners = _learners(names)
    with _progress(console) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        outcome = run_audit(
            tapes, learners, parameters=parameters or None, backend=backend, quick=quick, seed=seed, jobs=jobs,
            progress=show, truths=truths, summaries=summaries,
        )  # fmt: skip
    report = write_report(outcome.audit, out)
    _save_draws(outcome, out)
    console.print(terminal_table(outcome.audit))
    for note in outcome.audit.notes:
        console.print(f"note: {note}")
    console.print(f"{outcome.audit.seconds:.0f} s. Report: {report}", soft_wrap=True)
    sys.exit(_exit_code(outcome.audit, fail_on))


def _tapes(paths: Sequence[str], fee_bps: float) -> tuple[list[Tape], list[TapeSummary], dict[str, dict[str, float]]]:
    if not paths:
        tapes = example()
        return tapes, [summarise_tape(t, f"{data_dir().name}/{t.asset}.tape") for t in tapes], example_truths()
    read = [(path, *read_with_account(path, fee_bps=fee_bps)) for path in paths]
    summaries = [summarise_tape(tape, Path(path).name, account.lines) for path, tape, account in read]
    return [tape for _, tape, _ in read], summaries, {}


def _learners(names: Sequence[str]) -> list[Learner] | None:
    if not names:
        return None
    return [BUNDLED[name]() if name in BUNDLED else load_learner(name) for name in names]


def _progress(console: Console) -> Progress:
    columns = (BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)


def _save_draws(outcome: Outcome, out: Path) -> None:
    for reference in outcome.references:
        for backend, fitted in reference.fits.items():
            source = reference.source.replace(" ", "-")
            save_fit(fitted, out / "draws" / f"{reference.parameter}.{source}.{backend}.zarr", reference.evidence)


def _exit_code(audit: Audit, fail_on: str | None) -> int:
    """Return 1 if a verdict is at least as bad as the one that must not be."""
    if fail_on is None:
        return 0
    worst = min((VERDICTS.index(c.verdict) for c in audit.certificates), default=len(VERDICTS))
    return int(worst <= VERDICTS.index(fail_on))
