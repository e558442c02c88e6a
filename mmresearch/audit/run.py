"""An audit from end to end: learners x tapes against the hierarchical fits, worlds and money."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmresearch.audit.agreement import BIAS_BOUND_SD, COVERAGE_BOUND, SD_RATIO_BOUND
from mmresearch.audit.decision import TOLERANCE_BPS, TOLERANCE_EDGE
from mmresearch.audit.identity import seed_of, summarise_tape, worlds_seed_of
from mmresearch.audit.judge import Case, certify_in_worlds, certify_on, prepare
from mmresearch.audit.kept import KeptFindings
from mmresearch.audit.references import (
    Read,
    Reference,
    References,
    Task,
    evidence_for,
    has_reference,
    read_by,
    summarise_fit,
)
from mmresearch.audit.result import Audit, Certificate, Finding, TapeSummary
from mmresearch.audit.sources import market_of
from mmresearch.audit.verdict import UNPRICED_BIAS_SD
from mmresearch.audit.work import Keep, Progress, do_all, fits_to_make, worlds_to_visit
from mmresearch.learn.batch.events import has_own_fills, source_of
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner, name_of
from mmresearch.models.fit import MODELLED, Backend
from mmresearch.models.inputs import family_of, model_of
from mmresearch.tape.schema import Tape

BACKENDS: Mapping[str, tuple[Backend, ...]] = {
    "pymc": ("pymc",),
    "numpyro": ("numpyro",),
    "both": ("pymc", "numpyro"),
}
#: Windows in which intensities may wander, in seconds.
WINDOW_S = 300.0
_PACKAGES = ("mmresearch", "arviz", "jax", "numpy", "numpyro", "nutpie", "pandas", "pymc", "scipy")

#: A reference: parameter, and whose events it reads.
_Key = tuple[str, Read]


@dataclass(frozen=True)
class Outcome:
    """An audit, and the fits behind it (whose draws are worth keeping)."""

    audit: Audit
    references: tuple[Reference, ...]


def audit(
    tapes: Sequence[Tape],
    learners: Sequence[Learner] | None = None,
    *,
    parameters: Iterable[str] | None = None,
    backend: str = "both",
    quick: bool = False,
    seed: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    truths: Mapping[str, Mapping[str, float]] | None = None,
    summaries: Sequence[TapeSummary] | None = None,
    keep: Keep | None = None,
    references: References = "all",
    known: KeptFindings | None = None,
) -> Outcome:
    """Audit learners on tapes.

    Parameters
    ----------
    tapes : sequence of Tape
        One per asset; names must differ.
    learners : sequence of Learner, optional
        Who is audited; the bundled ones if not given.
    parameters : iterable of str, optional
        Only learners of these parameters.
    backend : {"pymc", "numpyro", "both"}
        Which backend fits the reference; the first named one is compared with.
    quick : bool
        Fewer replicates in the worlds and shorter chains; the bounds stay.
    seed : int, optional
        Everything derives from it. If not given, worlds derive from the version alone, so that what they say of a
        learner does not depend on the tapes; all else from learners, tapes and version.
    jobs : int
        Processes. The result does not depend on it.
    progress : callable, optional
        Called with (what was finished, done, total).
    truths : mapping, optional
        Asset -> parameter -> truth, for synthetic tapes.
    summaries : sequence of TapeSummary, optional
        What the report says about the tapes; made from the tapes if not given.
    keep : callable, optional
        Called with (task, fit, evidence) as soon as a fit is made, so that its draws survive whatever comes later.
    references : {"all", "fills"}
        Fit the reference of every parameter that has a model, or only of those that fills and market orders teach:
        models of series take minutes.
    known : KeptFindings, optional
        What worlds said of the bundled learners before, and where that of this audit is kept.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If there is nothing to audit, two tapes or two learners of a parameter share a name, or the backend is unknown.
    """
    start = time.perf_counter()
    chosen = _chosen(learners, parameters)
    _check_arguments(tapes, chosen, backend)
    in_worlds = worlds_seed_of() if seed is None else seed
    seed = seed_of(chosen, tapes) if seed is None else seed
    plan = _plan(chosen, tapes, references)
    needed = dict.fromkeys((family_of(name), source) for name, source in plan)
    given = {(family, s): evidence_for(family, tapes, s, seed, WINDOW_S) for family, s in needed}
    models = dict.fromkeys((model_of(name), source) for name, source in plan)
    tasks = [Task(*one, b) for one in models for b in BACKENDS[backend]]
    visits = worlds_to_visit(chosen, in_worlds, quick, known)
    # The longest work first, so that no process is left alone with it at the end.
    done = do_all([*fits_to_make(tasks, given, seed, quick, keep), *visits.calls], jobs, progress)
    fits = {t: done[t] for t in tasks}
    fitted = {
        (name, source): Reference(
            name, source, given[family_of(name), source],
            {t.backend: fits[t] for t in tasks if (t.model, t.source) == (model_of(name), source)},
        )
        for name, source in plan
    }  # fmt: skip
    certificates = _certificates(chosen, tapes, fitted, visits.findings(done), seed, truths or {})
    found = Audit(
        certificates=tuple(certificates),
        fits=tuple(summarise_fit(r, b) for r in fitted.values() for b in r.fits),
        tapes=tuple(summaries or (summarise_tape(t) for t in tapes)),
        settings={"worlds_seed": in_worlds, **_settings(backend, quick, seed)},
        versions={p: importlib.metadata.version(p) for p in _PACKAGES},
        seconds=time.perf_counter() - start,
        notes=tuple(_notes(tapes, fitted)),
    )
    return Outcome(found, tuple(fitted.values()))


def _chosen(learners: Sequence[Learner] | None, parameters: Iterable[str] | None) -> list[Learner]:
    all_ = [make() for make in BUNDLED.values()] if learners is None else list(learners)
    wanted = None if parameters is None else set(parameters)
    return [x for x in all_ if wanted is None or x.parameter in wanted]


def _check_arguments(tapes: Sequence[Tape], learners: Sequence[Learner], backend: str) -> None:
    if not learners:
        raise ValueError("no learner to audit: name one, or a parameter that a bundled learner learns")
    called = [(learner.parameter, name_of(learner)) for learner in learners]
    if twice := sorted({name for parameter, name in called if called.count((parameter, name)) > 1}):
        what = f"two learners are called {', '.join(twice)}; tell them apart with mmresearch.learn.named(learner, name)"
        raise ValueError(what)
    names = [t.asset for t in tapes]
    if len(set(names)) < len(names):
        raise ValueError(f"tapes must have different names, got {names}; pass asset= when reading them")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")


def _plan(learners: Sequence[Learner], tapes: Sequence[Tape], references: References) -> list[_Key]:
    """Name the references that are needed: (parameter, source of events), in a stable order."""
    judged = [x for x in learners if has_reference(x.parameter, references)]
    return list(dict.fromkeys((x.parameter, read_by(x.parameter, source_of(x, t))) for x in judged for t in tapes))


def _certificates(
    learners: Sequence[Learner],
    tapes: Sequence[Tape],
    references: Mapping[_Key, Reference],
    worlds: Sequence[tuple[Finding, ...]],
    seed: int,
    truths: Mapping[str, Mapping[str, float]],
) -> list[Certificate]:
    markets = {t.asset: market_of(t) for t in tapes}
    cases: dict[tuple[str, str, str], Case] = {}
    found = []
    for learner, findings in zip(learners, worlds, strict=True):
        judged = []
        for tape in tapes:
            source = source_of(learner, tape)
            key = learner.parameter, source, tape.asset
            reference = references.get((learner.parameter, read_by(learner.parameter, source)))
            if reference and key not in cases:
                cases[key] = prepare(tape, reference, source, seed, markets[tape.asset])
            judged += [cases[key]] if reference else []
        found += [certify_on(learner, case, findings, seed, truths.get(case.tape.asset)) for case in judged]
        if not judged:
            found.append(certify_in_worlds(learner, findings, len(tapes)))
    return found


def _settings(backend: str, quick: bool, seed: int) -> dict[str, Any]:
    return {
        "backend": backend,
        "quick": quick,
        "seed": seed,
        "window_s": WINDOW_S,
        "bias_bound_sd": BIAS_BOUND_SD,
        "sd_ratio_bound": SD_RATIO_BOUND,
        "coverage_bound": COVERAGE_BOUND,
        "unpriced_bias_sd": UNPRICED_BIAS_SD,
        "tolerance_bps": TOLERANCE_BPS,
        "tolerance_edge": TOLERANCE_EDGE,
    }


def _notes(tapes: Sequence[Tape], references: Mapping[_Key, Reference]) -> Iterable[str]:
    proxies = [t.asset for t in tapes if not has_own_fills(t)]
    if proxies and any(name in MODELLED for name, _ in references):
        yield (
            f"{', '.join(proxies)}: no own fills. kappa is learned from the depths that market orders reached and from "
            "hypothetical orders at rotating depths, alpha and floor from the maker side of trades at the touch. "
            "Such a tape knows no queue, no latency and no selection by our own quotes: it ranks shortcuts, it never "
            "certifies one."
        )
    for (name, source), reference in references.items():
        for backend, fitted in reference.fits.items():
            if not fitted.gate.passed:
                yield f"The {backend} fit of {name} ({source}) was not admitted as a reference; its verdicts stay open."
