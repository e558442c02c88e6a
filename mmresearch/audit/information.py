"""How much a tape's distinct events can tell about a parameter: what no learner may exceed.

Counted: n distinct fills carry at most n/(p (1 - p)) about a probability. Moved: a belief that counts every event once
is moved by new data as far as it says it is,

    E[(m_{t+1} - m_t)^2] = v_t - E[v_{t+1}],

m and v its mean and variance after slice t. One that counts events twice narrows as if they were two, but moves like
one: the ratio R of the two sides, over slices with equal weight, is 2, and the information that its events carry is
what it claims divided by R. Source: the law of total variance; Gelman et al., Bayesian Data Analysis, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mmresearch.audit.beliefs import Summary, summarise
from mmresearch.learn.contract import Learner, name_of
from mmresearch.tape.schema import Tape

#: (learner, slices of a tape, what it believes after them) -> information per squared unit of the parameter.
Information = Callable[[Learner, Sequence[Tape], Summary], float]


def moved_information(learner: Learner, slices: Sequence[Tape], found: Summary) -> float:
    """Information that the events carry, judged by how far they move the learner's own mean.

    Parameters
    ----------
    learner : Learner
        Whose claims are tested.
    slices : sequence of Tape
        A tape of a world, piece by piece; its first quarter is left out, there the prior moves the mean too.
    found : Summary
        What the learner believes after the whole tape.
    """
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    claimed = 1 / found.sd**2 - 1 / prior.sd**2
    return claimed / max(overclaim(learner, slices), 1e-12)


def overclaim(learner: Learner, slices: Sequence[Tape]) -> float:
    """Return R, how far the mean moves over how far the variance lets it: 1 if honest, 2 if events count twice."""
    state, path = learner.init(), []
    for piece in slices:
        state = learner.update(state, piece)
        belief = summarise(learner.posterior(state), name_of(learner))
        path.append((belief.mean, belief.sd**2))
    mean, variance = np.array(path[len(path) // 4 :]).T
    weight = variance[:-1] ** -2
    narrowed = float(weight @ (variance[:-1] - variance[1:]))
    moved = float(weight @ np.diff(mean) ** 2)
    return moved / narrowed if narrowed > 0 else 1.0


def counted_labels(learner: Learner, slices: Sequence[Tape], found: Summary) -> float:
    """Information about a probability: that of distinct fills, or what moves the learner, whichever is less.

    Parameters
    ----------
    learner : Learner
        Whose claims are tested.
    slices : sequence of Tape
        A tape of a world, piece by piece.
    found : Summary
        What the learner believes after the whole tape.
    """
    p = float(np.clip(found.mean, 1e-3, 1 - 1e-3))
    fills = pd.concat([piece.fills["order_id"] for piece in slices]).nunique()
    return min(fills / (p * (1 - p)), moved_information(learner, slices, found))
