"""An audit in the order in which people read it: by parameter, by learner, by tape.

A finding of the worlds is the same on every tape, so it is told once; what differs is told per tape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mmresearch.audit.result import VERDICTS, Audit, Certificate, Finding, FitSummary
from mmresearch.report.verdicts import worst

CLEARED = ("certified", "usable")


@dataclass(frozen=True)
class Reason:
    """One reason for a verdict: the costliest case that it decided, and all the tapes that share the deciding check."""

    verdict: str
    text: str
    tapes: tuple[str, ...]


@dataclass(frozen=True)
class LearnerResult:
    """One learner on all tapes.

    Attributes
    ----------
    name, parameter : str
        Who learns what.
    certificates : tuple of Certificate
        One per tape, in the order of the tapes; a single one without a tape if only worlds were asked.
    """

    name: str
    parameter: str
    certificates: tuple[Certificate, ...]

    @property
    def verdict(self) -> str:
        """The worst verdict over the tapes."""
        return worst(c.verdict for c in self.certificates)

    @property
    def counts(self) -> Mapping[str, int]:
        """Verdict -> number of tapes, the worst first."""
        found = Counter(c.verdict for c in self.certificates)
        return {v: found[v] for v in VERDICTS if v in found}

    @property
    def cleared(self) -> bool:
        """Whether every tape finds the learner certified or usable."""
        return all(c.verdict in CLEARED for c in self.certificates)

    @property
    def shared(self) -> tuple[Finding, ...]:
        """Findings that every certificate repeats, in their order."""
        first, *others = self.certificates
        return tuple(f for f in first.findings if all(f in c.findings for c in others))

    def own(self, certificate: Certificate) -> tuple[Finding, ...]:
        """Findings of one certificate that are not `shared`."""
        shared = self.shared
        return tuple(f for f in certificate.findings if f not in shared)

    @property
    def costliest(self) -> Certificate | None:
        """The certificate with the largest regret; None if none is priced."""
        priced = [c for c in self.certificates if c.regret_bps is not None]
        return max(priced, key=lambda c: c.regret_bps or 0.0) if priced else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why: certificates with the same verdict and deciding check make one reason, the worst verdict first."""
        groups: dict[tuple[str, str], list[Certificate]] = {}
        for c in sorted(self.certificates, key=lambda c: VERDICTS.index(c.verdict)):
            groups.setdefault((c.verdict, c.reason.partition(":")[0] if ":" in c.reason else ""), []).append(c)
        return tuple(
            Reason(verdict, max(group, key=_cost).reason, tuple(c.tape or "worlds" for c in group))
            for (verdict, _), group in groups.items()
        )

    @property
    def mends(self) -> tuple[str, ...]:
        """Advice of the checks that did not pass, each once."""
        bad = [f for c in self.certificates for f in c.findings if f.status in ("fail", "error", "undecided")]
        return tuple(dict.fromkeys(f.mend for f in bad if f.mend))


@dataclass(frozen=True)
class ParameterResult:
    """All learners of one parameter, and the reference fits that judged them."""

    parameter: str
    unit: str
    learners: tuple[LearnerResult, ...]
    fits: tuple[FitSummary, ...]


def by_parameter(audit: Audit) -> tuple[ParameterResult, ...]:
    """Group an audit by parameter and learner, in the order in which they first appear."""
    names: dict[str, dict[str, list[Certificate]]] = {}
    for c in audit.certificates:
        names.setdefault(c.parameter, {}).setdefault(c.learner, []).append(c)
    return tuple(
        ParameterResult(
            parameter,
            next(iter(learners.values()))[0].unit,
            tuple(LearnerResult(name, parameter, tuple(found)) for name, found in learners.items()),
            tuple(f for f in audit.fits if f.parameter == parameter),
        )
        for parameter, learners in names.items()
    )


def tapes_of(audit: Audit) -> tuple[str, ...]:
    """Names of the tapes that certificates speak of, in order of appearance."""
    return tuple(dict.fromkeys(c.tape for c in audit.certificates if c.tape is not None))


def _cost(certificate: Certificate) -> float:
    return -1.0 if certificate.regret_bps is None else certificate.regret_bps
