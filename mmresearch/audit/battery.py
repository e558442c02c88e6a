"""The checks that need worlds only: a learner's algebra and calibration.

Each check is a function of (learner, trials). A check that breaks is reported as an error with its message: the verdict
is then undecided at best, never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmresearch.audit.accounting import ledger, sign, units
from mmresearch.audit.calibration import calibration
from mmresearch.audit.estimand import estimand, policy
from mmresearch.audit.exactness import exactness
from mmresearch.audit.result import Axis, Finding
from mmresearch.audit.trials import DESIGNS, Trials
from mmresearch.belief.catalogue import parameter
from mmresearch.learn.contract import Learner, name_of

Check = Callable[[Learner, Trials], Finding]

#: Name -> (axis, check), in the order in which a report lists them.
CHECKS: Mapping[str, tuple[Axis, Check]] = {
    "ledger": ("algebra", ledger),
    "units": ("algebra", units),
    "sign": ("algebra", sign),
    "exactness": ("algebra", exactness),
    "estimand": ("algebra", estimand),
    "policy": ("algebra", policy),
    "calibration": ("calibration", calibration),
}


def outside_worlds(name: str) -> Finding | None:
    """Say why a parameter's learners cannot be sent through worlds; None if they can.

    A choice without a likelihood is a fault of whoever learns it; a parameter without a world is only undecided.
    """
    row = parameter(name)
    if row.kind == "policy":
        why = f"{row.name} is a choice, not a fact of the market: {row.reason}"
        mend = "State it as policy and meet a target with it; do not update it with data."
        return Finding("identified", "algebra", "fail", None, None, None, why, mend)
    if row.name not in DESIGNS:
        why = f"{row.name} has no world yet; parameters with one: {', '.join(DESIGNS)}"
        return Finding("worlds", "algebra", "undecided", why=why)
    return None


def apply_check(check: str, learners: Sequence[Learner], seed: int, quick: bool = False) -> list[Finding]:
    """Apply one check to learners of one parameter; together, because they meet the same tapes.

    Parameters
    ----------
    check : str
        Name of the check, one of `CHECKS`.
    learners : sequence of Learner
        Learners of one parameter that has a world.
    seed : int
        Every tape and draw derives from it.
    quick : bool
        Fewer replicates and simulations; the bounds stay.
    """
    axis, function = CHECKS[check]
    return [_guarded(check, axis, function, x, Trials(x.parameter, seed, quick)) for x in learners]


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
        One per check; a single one if the parameter has no likelihood or no world.
    """
    if barred := outside_worlds(learner.parameter):
        return (barred,)
    return tuple(apply_check(check, [learner], seed, quick)[0] for check in CHECKS)


def _guarded(name: str, axis: Axis, check: Check, learner: Learner, trials: Trials) -> Finding:
    try:
        return check(learner, trials)
    except Exception as error:  # somebody else's learner may raise anything; it is reported, and never passes
        why = f"{name_of(learner)} raised {type(error).__name__}: {error}"
        return Finding(name, axis, "error", why=why, mend="Mend the learner; the contract is in mmresearch.learn.")
