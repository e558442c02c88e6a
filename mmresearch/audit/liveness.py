"""Is it alive? A learner whose belief no tape moves learns nothing, whatever it is called.

Two tapes of far truths are shown; the belief after either is compared with the prior, in units of the prior's sd. What
is not looked at: whether its configuration changes anything, and whether anybody reads its output.
"""

from __future__ import annotations

from typing import Any

from mmresearch.audit.beliefs import believe, summarise
from mmresearch.audit.result import Finding
from mmresearch.audit.trials import Trials
from mmresearch.learn.contract import Learner, State, name_of
from mmresearch.tape.schema import Tape

#: A belief that has moved by less than this (prior sd) has not moved.
MOVE_BOUND_SD = 1e-3


class Frozen:
    """A learner that never looks: the mutant that this check must catch."""

    def __init__(self, learner: Learner):
        self.parameter, self.prior = learner.parameter, learner.posterior(learner.init())

    def init(self) -> State:
        """Start without anything."""
        return 0

    def update(self, state: State, tape: Tape) -> State:
        """Learn nothing from the slice."""
        return state

    def posterior(self, state: State) -> Any:
        """Believe what was believed before."""
        return self.prior


def moved_sd(learner: Learner, trials: Trials) -> float:
    """Largest move of the belief away from its prior over the tapes of a small and a large truth, in prior sd."""
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    return max(prior.distance(believe(learner, trials.tape(theta))) for theta in trials.low_high)


def liveness(learner: Learner, trials: Trials) -> Finding:
    """Is it alive?"""
    moved = moved_sd(learner, trials)
    power = float(moved_sd(Frozen(learner), trials) < MOVE_BOUND_SD)
    if moved < MOVE_BOUND_SD:
        low, high = trials.low_high
        why = f"its belief is the prior still after {trials.design.seconds:g} s of truth {low:g}, and of {high:g}."
        mend = f"Update it with {trials.parameter.evidence}, or state the number as a setting and not as learned."
        return Finding("liveness", "algebra", "fail", moved, MOVE_BOUND_SD, power, why, mend)
    why = f"data move the belief by up to {moved:.3g} sd of its prior."
    return Finding("liveness", "algebra", "pass", moved, MOVE_BOUND_SD, power, why)
