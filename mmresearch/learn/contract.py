"""What a learner is: three methods, and a posterior that anything with a cdf can be.

    init -> State,   update(State, Tape) -> State,   posterior(State) -> Belief

The prior is ``posterior(init())``. A learner names one parameter of the catalogue, which fixes its estimand and unit.
"""

from __future__ import annotations

import copy
import importlib
from typing import Any, Protocol, runtime_checkable

from mmresearch.belief.contract import Belief
from mmresearch.tape.schema import Tape

State = Any


@runtime_checkable
class Learner(Protocol):
    """Learns one parameter of the catalogue from a tape, slice by slice.

    Optional attributes: ``reads`` ("fills" or "trades": which tables carry its evidence, "fills" if absent),
    ``horizon_s`` (fixed times that it uses), ``log_joint(theta, tape)``, ``predictive(state)``.
    """

    @property
    def parameter(self) -> str:
        """Name in the catalogue."""
        ...

    def init(self) -> State:
        """Return the state before any data; picklable."""
        ...

    def update(self, state: State, tape: Tape) -> State:
        """Return the state after the slice; the given state is not changed."""
        ...

    def posterior(self, state: State) -> Belief:
        """Return the belief: anything with mean, std, cdf, ppf and rvs."""
        ...


class LearnerError(ValueError):
    """A learner that breaks the contract."""


def name_of(learner: Learner) -> str:
    """Return the name under which a learner is reported: its ``name``, or its class."""
    return str(getattr(learner, "name", type(learner).__name__))


def named[L: Learner](learner: L, name: str) -> L:
    """Return a copy of a learner under another name, so that an audit can tell two of a class apart.

    Parameters
    ----------
    learner : Learner
        Any; it is not changed.
    name : str
        Under which the copy is reported.

    Raises
    ------
    LearnerError
        If its class has no room for a name of one instance.
    """
    copied = copy.copy(learner)
    try:
        object.__setattr__(copied, "name", name)  # a learner may be a frozen dataclass
    except AttributeError as error:
        what = f"{type(learner).__name__} fixes the name of its learners; name it there"
        raise LearnerError(what) from error
    return copied


def reads_of(learner: Learner) -> str:
    """Return which tables carry a learner's evidence: "fills" (own orders and fills) or "trades"."""
    reads = str(getattr(learner, "reads", "fills"))
    if reads not in ("fills", "trades"):
        raise LearnerError(f"{name_of(learner)}.reads is {reads!r}; it must be 'fills' or 'trades'")
    return reads


def run(learner: Learner, tape: Tape, slice_s: float | None = None, state: State = None) -> State:
    """Feed a tape to a learner and return its state.

    Parameters
    ----------
    learner : Learner
        Whom to teach.
    tape : Tape
        What happened.
    slice_s : float, optional
        Length of the slices in seconds; the whole tape at once if not given.
    state : State, optional
        Where to go on from; a fresh state if not given.
    """
    if state is None:
        state = learner.init()
    for piece in [tape] if slice_s is None else tape.slices(slice_s):
        state = learner.update(state, piece)
    return state


def load_learner(path: str) -> Learner:
    """Import and build the learner named ``package.module:Class``.

    Raises
    ------
    LearnerError
        If the path is not of that form, cannot be imported, or is not a learner.
    """
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise LearnerError(f"{path!r} does not name a learner; write package.module:Class")
    try:
        made = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise LearnerError(f"cannot load the learner {path!r}: {error}") from error
    learner = made() if isinstance(made, type) else made
    missing = [m for m in ("parameter", "init", "update", "posterior") if not hasattr(learner, m)]
    if missing:
        raise LearnerError(f"{path!r} is not a learner: it lacks {', '.join(missing)}")
    return learner
