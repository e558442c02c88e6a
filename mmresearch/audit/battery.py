"""The checks that need worlds only: a learner's algebra and calibration.

Each check is a function of (learner, trials). A check that breaks is reported as an error with its message: the verdict
is then undecided at best, never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmresearch.audit.accounting import ledger, sign, units
from mmresearch.audit.calibration import calibration
from mmresearch.audit.designs import DESIGNS
from mmresearch.audit.estimand import estimand, policy
from mmresearch.audit.exactness import exactness
from mmresearch.audit.liveness import liveness
from mmresearch.audit.result import Axis, Finding
from mmresearch.audit.trials import Trials
from mmresearch.belief.catalogue import parameter
from mmresearch.learn.contract import Learner, name_of

Check = Callable[[Learner, Trials], Finding]

#: Name -> (axis, check), in the order in which a report lists them.
CHECKS: Mapping[str, tuple[Axis, Check]] = {
    "ledger": ("algebra", ledger),
    "units": ("algebra", units),
    "sign": ("algebra", sign),
    "exactness": ("algebra", exactness),
    "liveness": ("algebra", liveness),
    "estimand": ("algebra", estimand),
    "policy": ("algebra", policy),
    "calibration": ("calibration", calibration),
}

#: The checks in shares of work: those that meet the same tapes together, the longest first.
SHARES: tuple[tuple[str, ...], ...] = (
    ("ledger", "units", "sign", "exactness", "liveness"),
    ("estimand", "policy"),
    ("calibration",),
)


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


def apply_checks(
    checks: Sequence[str], learners: Sequence[Learner], seed: int, quick: bool = False
) -> list[tuple[Finding, ...]]:
    """Apply checks to learners of one parameter; together, because they meet the same tapes.

    Parameters
    ----------
    checks : sequence of str
        Names of checks, of `CHECKS`.
    learners : sequence of Learner
        Learners of one parameter that has a world.
    seed : int
        Every tape and draw derives from it.
    quick : bool
        Fewer replicates and simulations; the bounds stay.

    Returns
    -------
    list of tuple of Finding
        One tuple per learner, one finding per check.
    """
    found = [[_guarded(check, x, Trials(x.parameter, seed, quick)) for x in learners] for check in checks]
    return list(zip(*found, strict=True))


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
    return apply_checks(tuple(CHECKS), [learner], seed, quick)[0]


def _guarded(name: str, learner: Learner, trials: Trials) -> Finding:
    axis, check = CHECKS[name]
    try:
        return check(learner, trials)
    except Exception as error:  # somebody else's learner may raise anything; it is reported, and never passes
        why = f"{name_of(learner)} raised {type(error).__name__}: {error}"
        return Finding(name, axis, "error", why=why, mend="Mend the learner; the contract is in mmresearch.learn.")
