"""From findings to a headline: three axes, one verdict, one reason.

Precedence: not identified > broken accounting > wrong target > biased > overconfident > undecided > usable > certified.
A market-proxy tape never certifies; a check without power, or in error, never passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmresearch.audit.agreement import Agreement
from mmresearch.audit.result import Finding

ACCOUNTING = ("ledger", "units", "sign", "exactness")
TARGET = ("liveness", "policy", "estimand")
#: Where no rule of a quote prices a number, its mean may be off by this many reference sds, and no more.
UNPRICED_BIAS_SD = 0.5
#: A pass with less power than this is undecided.
LEAST_POWER = 0.5


@dataclass(frozen=True)
class Verdict:
    """Headline, the sentence that decided it, and one line for each axis."""

    headline: str
    reason: str
    algebra: str
    calibration: str
    money: str


def decide(findings: Sequence[Finding], agreement: Agreement | None, provenance: str) -> Verdict:
    """Decide the headline.

    Parameters
    ----------
    findings : sequence of Finding
        Every check that was applied to this learner, on worlds and on this tape.
    agreement : Agreement or None
        Numbers against the reference of this tape; ``None`` if there is none.
    provenance : str
        Provenance of the tape; "worlds" if no tape was given, "no reference" if there is no model to judge by on tapes,
        "not fitted" if there is one, but nobody asked for its fit.
    """
    checked = [_without_power(f) for f in findings]
    headline, reason = _headline(checked, agreement, provenance)
    return Verdict(headline, reason, *(_axis(checked, axis) for axis in ("algebra", "calibration", "money")))


def _without_power(finding: Finding) -> Finding:
    if finding.status == "pass" and finding.power is not None and finding.power < LEAST_POWER:
        why = f"{finding.why} But the check has power {finding.power:.2f} only."
        return Finding(finding.check, finding.axis, "undecided", finding.value, finding.bound, finding.power, why)
    return finding


def _headline(findings: Sequence[Finding], agreement: Agreement | None, provenance: str) -> tuple[str, str]:
    failed = {f.check: f for f in findings if f.status == "fail"}
    if "identified" in failed:
        return "not identified", failed["identified"].why
    for headline, checks in (("broken accounting", ACCOUNTING), ("wrong target", TARGET)):
        for check in checks:
            if check in failed:
                return headline, f"{check}: {failed[check].why}"
    if agreement and agreement.biased and "decision" in failed:
        return "biased", f"agreement: {agreement.bias_sd:+.2f} reference sd off; {failed['decision'].why}"
    unpriced = [f for f in findings if f.check == "decision" and f.status == "not applicable"]
    if agreement and abs(agreement.bias_sd) > UNPRICED_BIAS_SD and unpriced:
        return "biased", f"agreement: {agreement.bias_sd:+.2f} reference sd off; {unpriced[0].why}"
    if agreement and agreement.overconfident:
        return "overconfident", f"agreement: {failed['agreement'].why}"
    if "calibration" in failed and failed["calibration"].why.startswith("overconfident"):
        return "overconfident", f"calibration: {failed['calibration'].why}"
    return _no_fault(findings, failed, provenance)


def _no_fault(findings: Sequence[Finding], failed: dict[str, Finding], provenance: str) -> tuple[str, str]:
    if errors := [f for f in findings if f.status == "error"]:
        return "undecided", f"{errors[0].check} broke: {errors[0].why}"
    if "reference" in failed:
        return "undecided", f"reference: {failed['reference'].why}"
    if provenance == "no reference":
        return "undecided", f"no reference model yet: {_told(findings)}, but nothing judges it on the tapes."
    if provenance == "not fitted":
        return "undecided", f"its reference was not fitted (references=all fits it): {_told(findings)}."
    if provenance == "worlds":
        return "undecided", "no tape: passes in worlds are not a certificate for a market; give a tape."
    if "decision" in failed:
        return "undecided", f"no check names a fault, yet the quote is costly: {failed['decision'].why}"
    if weak := [f for f in findings if f.status == "undecided"]:
        return "undecided", f"{weak[0].check}: {weak[0].why}"
    if provenance == "market-proxy":
        return "usable", "passes; but fills of a market proxy know no queue, latency or selection, so no certificate."
    if failed:
        first = next(iter(failed.values()))
        priced = not any(f.check == "decision" and f.status == "not applicable" for f in findings)
        small = "but costs less than the tolerance" if priced else f"but within {UNPRICED_BIAS_SD} reference sd"
        return "usable", f"imperfect, {small}. {first.check}: {first.why}"
    applied = [f for f in findings if f.status != "not applicable"]
    power = min(f.power for f in applied if f.power is not None)
    return "certified", f"all {len(applied)} checks that apply pass, each with power {power:.2f} or more."


def _told(findings: Sequence[Finding]) -> str:
    """Say in words what the worlds found, where no check fails."""
    weak = [f.check for f in findings if f.status == "undecided"]
    return f"in worlds {', '.join(weak)} cannot be decided" if weak else "every check in worlds passes that applies"


def _axis(findings: Sequence[Finding], axis: str) -> str:
    mine = [f for f in findings if f.axis == axis and f.status != "not applicable"]
    if not mine:
        return "not examined"
    for status in ("error", "fail", "undecided"):
        if bad := [f for f in mine if f.status == status]:
            return f"{status}: " + ", ".join(f.check for f in bad)
    return f"pass: {len(mine)} of {len(mine)}"
