"""Certify one learner: the call of a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from mmresearch.audit.result import VERDICTS, Audit, Certificate
from mmresearch.audit.run import audit
from mmresearch.learn.contract import Learner
from mmresearch.tape.schema import Tape


@dataclass(frozen=True)
class Certification:
    """What an audit says of one learner, over all its tapes.

    Attributes
    ----------
    certificates : tuple of Certificate
        One per tape; a single one without a tape if none was given.
    audit : Audit
        The audit behind it: fits, settings, versions.
    """

    certificates: tuple[Certificate, ...]
    audit: Audit

    @property
    def verdict(self) -> str:
        """The worst verdict over the tapes: first in the order of precedence."""
        return min((c.verdict for c in self.certificates), key=VERDICTS.index)

    @property
    def reason(self) -> str:
        """The sentence that decided the verdict."""
        return next(c.reason for c in self.certificates if c.verdict == self.verdict)

    @property
    def table(self) -> pd.DataFrame:
        """Checks: tape, check, status, value, bound, power, why. What the worlds said comes once, without a tape."""
        tables = [c.table.assign(tape=c.tape) for c in self.certificates]
        rows = pd.concat(tables, ignore_index=True)
        of_tape = rows["check"].isin(("reference", "agreement", "decision"))
        rows.loc[~of_tape, "tape"] = "worlds"
        rows = rows.drop_duplicates(["tape", "check"]).reset_index(drop=True)
        return rows[["tape", "check", "status", "value", "bound", "power", "why"]]

    @property
    def by_asset(self) -> pd.DataFrame:
        """One row per tape: verdict, posterior, reference, sd ratio, bias and regret."""
        return self.audit.table.drop(columns=["parameter", "learner"])

    def _repr_html_(self) -> str:
        columns = self.table.drop(columns="why")
        return (
            f"<p><b>{self.verdict}</b>: {self.reason}</p>{columns.to_html(index=False, float_format='{:.3g}'.format)}"
        )


def certify(
    learner: Learner,
    tapes: Tape | Iterable[Tape] | None = None,
    seed: int | None = None,
    *,
    backend: str = "pymc",
    quick: bool = False,
    jobs: int = 1,
    truths: Mapping[str, Mapping[str, float]] | None = None,
) -> Certification:
    """Certify a learner in worlds and, if tapes are given, against the hierarchical fit of those tapes.

    Parameters
    ----------
    learner : Learner
        Anything that satisfies `mmresearch.learn.contract.Learner`.
    tapes : Tape or iterable of Tape, optional
        One per asset. Without any, the verdict is never better than undecided.
    seed : int, optional
        Everything derives from it; from learner, tapes and version if not given.
    backend : {"pymc", "numpyro", "both"}
        Which backend fits the reference.
    quick : bool
        Fewer replicates and shorter chains; the bounds stay.
    jobs : int
        Processes; the result does not depend on it.
    truths : mapping, optional
        Asset -> parameter -> truth, for synthetic tapes.

    Returns
    -------
    Certification
    """
    given = [tapes] if isinstance(tapes, Tape) else list(tapes or ())
    outcome = audit(given, [learner], backend=backend, quick=quick, seed=seed, jobs=jobs, truths=truths)
    return Certification(outcome.audit.certificates, outcome.audit)
