"""What a check sees of a belief: five numbers, taken once and refused if they make no sense.

Every damaged belief that measures a check's power is made here too: the sd scaled, the mean shifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import Learner, LearnerError, name_of, run
from mmresearch.tape.schema import Tape


@dataclass(frozen=True)
class Summary:
    """Mean, sd and three quantiles of a belief, in the unit of its parameter."""

    mean: float
    sd: float
    q05: float
    q50: float
    q95: float

    def damaged(self, sd: float = 1.0, shift: float = 0.0) -> Summary:
        """Return the belief with its sd multiplied and its mean moved by `shift` of its own (old) sd."""
        centre = self.mean + shift * self.sd
        turn = [centre + sd * (q - self.mean) for q in (self.q05, self.q50, self.q95)]
        return Summary(centre, sd * self.sd, *turn)

    def distance(self, other: Summary) -> float:
        """Largest difference of the five numbers, in units of this belief's sd."""
        mine = np.array([self.mean, self.sd, self.q05, self.q50, self.q95])
        theirs = np.array([other.mean, other.sd, other.q05, other.q50, other.q95])
        return float(np.max(np.abs(mine - theirs)) / self.sd)


#: The damage that a check is asked to notice, by name.
DAMAGE: Mapping[str, Mapping[str, float]] = {
    "sd x 0.7": {"sd": 0.7},
    "sd x 0.85": {"sd": 0.85},
    "sd x 1.2": {"sd": 1.2},
    "sd x 1.5": {"sd": 1.5},
    "mean + 0.1 sd": {"shift": 0.1},
    "mean + 0.25 sd": {"shift": 0.25},
    "mean + 0.5 sd": {"shift": 0.5},
}


def summarise(belief: Belief, who: str) -> Summary:
    """Take the five numbers of a belief.

    Raises
    ------
    LearnerError
        If one of them is not finite, the sd is not positive or the quantiles are out of order.
    """
    q = np.asarray(belief.ppf(np.array([0.05, 0.5, 0.95])), dtype=float).ravel()
    numbers = np.array([float(belief.mean()), float(belief.std()), *q])
    if numbers.size != 5 or not np.all(np.isfinite(numbers)) or numbers[1] <= 0 or np.any(np.diff(q) < 0):
        raise LearnerError(
            f"{who}: posterior has mean, sd, 5, 50, 95 % = {numbers.tolist()}; all must be finite, in order"
        )
    return Summary(*(float(v) for v in numbers))


def believe(learner: Learner, tape: Tape, slice_s: float | None = None) -> Summary:
    """Teach a fresh learner a tape and summarise what it believes."""
    return summarise(learner.posterior(run(learner, tape, slice_s)), name_of(learner))
