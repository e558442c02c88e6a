"""The checks that need worlds only: a learner's algebra and calibration.

Each check is a function of (learner, trials). A check that breaks is reported as an error with its message: the verdict
is then undecided at best, never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmresearch.audit.accounting import ledger, sign, units
from mmresearch.audit.calibration import calibration
from mmresearch.audit.estimand import estimand, policy
from mmresearch.audit.exactness import exactness
from mmresearch.audit.result import Axis, Finding
from mmresearch.audit.trials import NoWorldError, Trials
from mmresearch.belief.catalogue import parameter
from mmresearch.learn.contract import Learner, name_of

Check = Callable[[Learner, Trials], Finding]

CHECKS: tuple[tuple[str, Axis, Check], ...] = (
    ("ledger", "algebra", ledger),
    ("units", "algebra", units),
    ("sign", "algebra", sign),
    ("exactness", "algebra", exactness),
    ("estimand", "algebra", estimand),
    ("policy", "algebra", policy),
    ("calibration", "calibration", calibration),
)


def battery(learner: Learner, seed: int, quick: bool = False) -> tuple[Finding, ...]:
    """Send a learner through the worlds of its parameter.

    Parameters
    ----------
    learner : Learner
        Whom to try.
    seed : int
        Every tape and draw derives from it.
    quick : bool
        Fewer replicates and simulations; the bounds stay.

    Returns
    -------
    tuple of Finding
        One per check; a single failing one if the parameter has no likelihood.
    """
    row = parameter(learner.parameter)
    if row.kind == "policy":
        why = f"{row.name} is a choice, not a fact of the market: {row.reason}"
        mend = "State it as policy and meet a target with it; do not update it with data."
        return (Finding("identified", "algebra", "fail", None, None, None, why, mend),)
    try:
        trials = Trials(row.name, seed, quick)
    except NoWorldError as error:
        return (Finding("worlds", "algebra", "undecided", why=str(error)),)
    return tuple(_guarded(name, axis, check, learner, trials) for name, axis, check in CHECKS)


def batteries(learners: Sequence[Learner], seed: int, quick: bool = False) -> list[tuple[Finding, ...]]:
    """Send learners of one parameter through its worlds; together, because they meet the same tapes."""
    return [battery(learner, seed, quick) for learner in learners]


def _guarded(name: str, axis: Axis, check: Check, learner: Learner, trials: Trials) -> Finding:
    try:
        return check(learner, trials)
    except Exception as error:  # somebody else's learner may raise anything; it is reported, and never passes
        why = f"{name_of(learner)} raised {type(error).__name__}: {error}"
        return Finding(name, axis, "error", why=why, mend="Mend the learner; the contract is in mmresearch.learn.")
