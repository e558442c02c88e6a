"""What a learner in the loop is, and the makers that need no likelihood: the oracle, one that never learns, F13.

A maker is a frozen dataclass, so that it can be a static argument of a compiled function, with three functions of one
replication; the loop maps them over replications:

    init(setting, truth) -> state       any pytree of arrays, of the dtype of truth.A
    observe(state, seen, setting) -> state      after every interval
    plan(state, setting) -> Plan        once a block of intervals, or as often as `refresh_s` says

Makers of a point estimate also have `quote`, the rule by which they quote from it (`quoting`). Names are left out of
comparison: one rule under two names is compiled once. Only the oracle may look at the truth for its quotes; others take
from it the dtype, and A where it is said to be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp

from mmresearch.sim.loop.quoting import CLOSED_FORM, QuoteRule
from mmresearch.sim.loop.world import Array, Plan, Seen, Setting, Truth

type State = Any


@runtime_checkable
class Maker(Protocol):
    """The contract of a learner in the loop: hashable, and functions of arrays that JAX can trace.

    Attributes
    ----------
    name : str
        Of the curve.
    refresh_s : float or None
        Seconds between two refreshes of the quotes, whole intervals; 0 for every interval, None for every block of
        them (`run.BLOCK`). What is seen in between is learned, but not quoted from.
    """

    @property
    def name(self) -> str:
        """Of the curve."""
        ...

    @property
    def refresh_s(self) -> float | None:
        """Seconds between two refreshes of the quotes."""
        ...

    def init(self, setting: Setting, truth: Truth) -> State:
        """Return the state before the first interval."""
        ...

    def observe(self, state: State, seen: Seen, setting: Setting) -> State:
        """Return the state after an interval."""
        ...

    def plan(self, state: State, setting: Setting) -> Plan:
        """Return the quotes that the state leads to."""
        ...


@dataclass(frozen=True)
class Oracle:
    """Quotes from the truth."""

    name: str = field(default="oracle", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = None

    def init(self, setting: Setting, truth: Truth) -> Truth:
        """Keep the truth."""
        return truth

    def observe(self, state: Truth, seen: Seen, setting: Setting) -> Truth:
        """Learn nothing."""
        return state

    def plan(self, state: Truth, setting: Setting) -> Plan:
        """Return the quotes of the truth."""
        return self.quote(state.A, state.kappa, setting)


@dataclass(frozen=True)
class NeverLearns:
    """Quotes from the same A and kappa for ever.

    Parameters
    ----------
    A, kappa : float
        1/s and 1/bp.
    """

    A: float
    kappa: float
    name: str = field(default="never learns", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = None

    def init(self, setting: Setting, truth: Truth) -> Truth:
        """Keep the two numbers."""
        return Truth(jnp.full_like(truth.A, self.A), jnp.full_like(truth.A, self.kappa))

    def observe(self, state: Truth, seen: Seen, setting: Setting) -> Truth:
        """Learn nothing."""
        return state

    def plan(self, state: Truth, setting: Setting) -> Plan:
        """Return the quotes of the two numbers."""
        return self.quote(state.A, state.kappa, setting)


class Distances(NamedTuple):
    """Fills with their prior, the sum of their depths with its prior, bps; seconds exposed with their prior."""

    shape: Array
    depth: Array
    exposure_s: Array


@dataclass(frozen=True)
class FillDistances:
    """kappa from the depths of fills alone, as in use (F13): kappa = fills over the sum of their depths.

    The depths of fills are those that the maker quoted, so that it learns its own quotes. A is set to what gives the
    fills so far at the mean of these depths: fills/(seconds exposed) e^{kappa mean depth} = fills/seconds e.

    Parameters
    ----------
    kappa, strength : float
        Prior of kappa: mean, 1/bp, and the fills that it counts for.
    A : float
        Prior of A, 1/s, worth as many fills.
    """

    kappa: float = 0.2
    strength: float = 4.0
    A: float = 0.5
    name: str = field(default="depths of fills (F13)", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = None

    def init(self, setting: Setting, truth: Truth) -> Distances:
        """Start from the prior."""
        shape = jnp.full_like(truth.A, self.strength)
        return Distances(shape, shape / self.kappa, shape * jnp.exp(1.0).astype(shape.dtype) / self.A)

    def observe(self, state: Distances, seen: Seen, setting: Setting) -> Distances:
        """Add the fills, their depths, and the seconds of both sides."""
        n = seen.bid_fill + seen.ask_fill
        travelled = seen.bid_fill * seen.bid_depth + seen.ask_fill * seen.ask_depth
        return Distances(state.shape + n, state.depth + travelled, state.exposure_s + seen.bid_s + seen.ask_s)

    def plan(self, state: Distances, setting: Setting) -> Plan:
        """Return the quotes of the estimate."""
        # Quotes below the mid, where a cost is negative or an inventory large, must not turn kappa around.
        kappa = state.shape / jnp.maximum(state.depth, 1e-3 * state.shape)
        return self.quote(state.shape / state.exposure_s * jnp.exp(1.0), kappa, setting)
