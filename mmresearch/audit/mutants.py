"""Learners that are wrong on purpose: what the ledger must catch, so that its power can be told.

Each wraps a learner and spoils how its evidence is fed: twice, late, or not all of it. What can be lost depends on the
row: fills and trades one by one, of a series of quotes and signals a stretch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scipy import stats

from mmresearch.audit.designs.design import Design
from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import Learner, State
from mmresearch.tape.schema import Tape


class FedTwice:
    """A learner that is handed every slice twice: the mutant that the ledger must catch."""

    def __init__(self, learner: Learner):
        self.learner, self.parameter = learner, learner.parameter

    def init(self) -> State:
        """Start as the learner does."""
        return self.learner.init()

    def update(self, state: State, tape: Tape) -> State:
        """Update twice with one slice."""
        return self.learner.update(self.learner.update(state, tape), tape)

    def posterior(self, state: State) -> Belief:
        """Believe what the learner believes."""
        return self.learner.posterior(state)


class LosesFirstFill(FedTwice):
    """A learner that loses the first fill of every slice."""

    def update(self, state: State, tape: Tape) -> State:
        """Update with a slice whose first fill and first trade are missing."""
        return self.learner.update(state, replace(tape, fills=tape.fills.iloc[1:], trades=tape.trades.iloc[1:]))


class CountsTwice(FedTwice):
    """A learner that books every event twice: a tape in which each of its increments of information came twice."""

    def __init__(self, learner: Learner):
        super().__init__(learner)
        self.prior = float(learner.posterior(learner.init()).std()) ** -2

    def posterior(self, state: State) -> Belief:
        """Believe as if the distance from the prior had been seen twice: the variance halved, the mean kept."""
        belief = self.learner.posterior(state)
        gained = max(float(belief.std()) ** -2 - self.prior, 0.0)
        frozen: Any = stats.norm(float(belief.mean()), (2 * gained + self.prior) ** -0.5)
        return frozen

    def update(self, state: State, tape: Tape) -> State:
        """Update as the learner does."""
        return self.learner.update(state, tape)


class LosesBeginning(FedTwice):
    """A learner that loses what is quoted, traded, filled and said in the first tenth of every slice."""

    def update(self, state: State, tape: Tape) -> State:
        """Update with a slice that is bare at its beginning."""
        late = tape.between(tape.t0 + 0.1 * tape.seconds, tape.t1)
        return self.learner.update(state, replace(late, t0=tape.t0, orders=tape.orders))


class Late(FedTwice):
    """A learner that is handed every slice only when the next one comes."""

    def init(self) -> State:
        """Start as the learner does, with no slice that waits."""
        return self.learner.init(), None

    def update(self, state: State, tape: Tape) -> State:
        """Update with the slice before, and keep this one."""
        known, waiting = state
        return known if waiting is None else self.learner.update(known, waiting), tape

    def posterior(self, state: State) -> Belief:
        """Believe what the learner believes of all slices but the last."""
        return self.learner.posterior(state[0])


def mutants_of(design: Design) -> tuple[type[FedTwice], ...]:
    """Return what the ledger must catch in the worlds of a row.

    Parameters
    ----------
    design : Design
        Whether its evidence are events or a series, and whether their information is counted.
    """
    loses = LosesFirstFill if design.evidence == "events" else LosesBeginning
    return FedTwice, Late, loses, *((CountsTwice,) if design.information else ())
