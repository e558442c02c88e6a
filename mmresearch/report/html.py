"""The report: one HTML file with everything in it, for a browser without a network, light, dark or on paper.

The page is a template; here its words and numbers are chosen. Figures are inlined as SVG, styles are in the page, and
there is no script: long parts fold by the browser's own means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mmresearch.audit.result import VERDICTS, Audit, TapeSummary
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.report import numbers
from mmresearch.report.drawings import Drawing, draw
from mmresearch.report.files import write_file
from mmresearch.report.grouping import LearnerResult, ParameterResult, by_parameter, tapes_of
from mmresearch.report.style import themed
from mmresearch.report.verdicts import LOOKS, slug

#: With more learners than this under one parameter their details are folded.
_OPEN_UP_TO = 1
_BACKENDS = {"pymc": "PyMC", "numpyro": "NumPyro"}

#: Kind of figure -> its title and caption.
_CAPTIONS: Mapping[str, tuple[str, str]] = {
    "forest": (
        "What each learner believes, over what the full model believes",
        "One panel per learner, one row per tape. Grey bar: 90 % interval of the hierarchical MCMC fit to the same "
        "events, with its mean. Coloured: the learner's own 90 % interval.",
    ),
    "scores": (
        "Bias, width and cost",
        "One mark per tape. Shaded: what passes. The right-hand panel prices the difference: edge lost per unit traded "
        "by quoting from the learner's belief, valued under the reference.",
    ),
    "shrinkage": (
        "What pooling did",
        "Each tape's estimate from its own data alone, and the hierarchical estimate that borrows from the others. A "
        "long step means that the tape had little to say for itself; where all tapes step the same way, it is the full "
        "model that differs from the plain estimate (windows that wander, noise in labels), not the pooling.",
    ),
}


def render(audit: Audit, drawn: Sequence[Drawing] | None = None) -> str:
    """Write an audit as one HTML page.

    Parameters
    ----------
    audit : Audit
        What was found.
    drawn : sequence of Drawing, optional
        Its figures; drawn if not given.

    Returns
    -------
    str
        The page; the same text for the same audit.
    """
    groups = by_parameter(audit)
    figures = draw(audit) if drawn is None else drawn
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            audit=audit,
            groups=[_group(g, figures) for g in groups],
            tapes=tapes_of(audit),
            tally=_tally(audit),
            summary=_summary(audit, groups),
            glossary=[(v, LOOKS[v].meaning) for v in VERDICTS],
            spans=[_tape_row(t) for t in audit.tapes],
            dark={slug(v): look.dark for v, look in LOOKS.items()},
            light={slug(v): look.colour for v, look in LOOKS.items()},
        )
    )


def write_html(audit: Audit, folder: str | Path, drawn: Sequence[Drawing] | None = None) -> Path:
    """Write ``report.html`` into a folder; return its path."""
    return write_file(Path(folder) / "report.html", render(audit, drawn))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mmresearch.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "sig": numbers.significant,
        "bps": numbers.bps,
        "ratio": numbers.ratio,
        "signed": numbers.signed,
        "duration": numbers.duration,
        "slug": slug,
        "symbol": lambda verdict: LOOKS[verdict].symbol,
        "count": lambda n: f"{n:,}".replace(",", "\u202f"),
    }
    environment.globals["interval"] = numbers.interval
    return environment


def _group(group: ParameterResult, drawn: Sequence[Drawing]) -> dict[str, Any]:
    row = CATALOGUE.get(group.parameter)
    return {
        "name": group.parameter,
        "unit": group.unit,
        "estimand": "" if row is None else row.estimand,
        "consumer": "" if row is None else row.consumer,
        "learners": [_learner(x) for x in group.learners],
        "open": len(group.learners) <= _OPEN_UP_TO,
        "figures": [_figure(d) for d in drawn if d.parameter == group.parameter],
        "fits": group.fits,
    }


def _figure(drawing: Drawing) -> dict[str, Any]:
    title, caption = _CAPTIONS[drawing.kind]
    svg = themed(drawing.svg, drawing.name, f"{title}: {drawing.parameter}. {caption}")
    return {
        "svg": svg,
        "title": title,
        "caption": caption,
        "share": round(100 * drawing.share),
        "name": drawing.name,
    }


def _learner(learner: LearnerResult) -> dict[str, Any]:
    costliest = learner.costliest
    return {
        "name": learner.name,
        "anchor": f"{learner.parameter}-{learner.name}",
        "verdict": learner.verdict,
        "counts": learner.counts,
        "cells": {c.tape: c for c in learner.certificates},
        "certificates": learner.certificates,
        "on_tapes": any(c.tape is not None for c in learner.certificates),
        "reasons": learner.reasons,
        "mends": learner.mends,
        "shared": learner.shared,
        "own": [(c.tape or "worlds", f) for c in learner.certificates for f in learner.own(c)],
        "axes": _axes(learner),
        "worst_regret_bps": None if costliest is None else costliest.regret_bps,
        "sd_ratios": numbers.spread([c.sd_ratio for c in learner.certificates if c.sd_ratio is not None]),
        "with_truth": any(c.truth is not None for c in learner.certificates),
    }


def _axes(learner: LearnerResult) -> list[tuple[str, list[tuple[str, int]]]]:
    """Three axes, each with what it says and on how many tapes."""
    named = (("Algebra and accounting", "algebra"), ("Calibration", "calibration"), ("Money", "money"))
    return [(title, Counter(getattr(c, a) for c in learner.certificates).most_common()) for title, a in named]


def _tally(audit: Audit) -> list[tuple[str, int]]:
    found = Counter(c.verdict for c in audit.certificates)
    return [(v, found[v]) for v in reversed(VERDICTS) if v in found]


def _summary(audit: Audit, groups: Sequence[ParameterResult]) -> dict[str, Any]:
    learners = [x for g in groups for x in g.learners]
    priced = [c for c in audit.certificates if c.regret_bps is not None]
    return {
        "learners": len(learners),
        "parameters": len(groups),
        "cleared": [x.name for x in learners if x.cleared],
        "costliest": max(priced, key=lambda c: c.regret_bps or 0.0) if priced else None,
        "span": _span(audit.tapes),
        "provenances": " and ".join(sorted({t.provenance for t in audit.tapes})),
        "backends": " and ".join(sorted({_BACKENDS.get(f.backend, f.backend) for f in audit.fits}, key=str.lower)),
        "worlds_only": _worlds_only(groups) if audit.tapes else [],
        "refused": [f for f in audit.fits if not f.admitted],
    }


def _worlds_only(groups: Sequence[ParameterResult]) -> list[str]:
    """Learned parameters that no tape judged, though tapes were given."""
    return [
        g.parameter
        for g in groups
        if CATALOGUE[g.parameter].kind == "learned" and all(c.tape is None for x in g.learners for c in x.certificates)
    ]


def _span(tapes: Sequence[TapeSummary]) -> str:
    lengths = sorted({numbers.duration(t.seconds) for t in tapes}, key=len)
    if len(lengths) == 1:
        return f"{lengths[0]} each"
    return f"{numbers.duration(sum(t.seconds for t in tapes))} in all" if tapes else ""


def _tape_row(tape: TapeSummary) -> dict[str, Any]:
    source = Path(tape.source).name if tape.source != "memory" else "memory"
    return {"tape": tape, "file": source, "digest": tape.sha256[:12]}
