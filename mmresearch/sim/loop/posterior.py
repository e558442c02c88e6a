"""Makers that learn (A, kappa) from fills and from what was not filled: posterior, regularised likelihood, recursion.

| maker | believes | quotes |
|---|---|---|
| `PlugIn` | posterior of `exposure` | closed form at E[A], E[kappa] |
| `JointPosterior` | the same | D(c) maximises E[A e^{-kappa d}](d - c); base D(c), slope D(c + slope) - D(c) |
| `RegularisedLikelihood` | the peak of log L - (penalty/2)(kappa - kappa_0)^2 | closed form there (arXiv 2409.02025) |
| `Recursive` | Gauss, in ln A and ln kappa, one natural-gradient step per interval | closed form at its mean |

A fill at inventory index k costs c + slope (1/2 + k), a lean by inventory included: so D makes an affine rule of a
joint belief. The peak of E[A e^{-kappa d}](d - c) solves d = c + 1/E~[kappa], E~ weighted by A e^{-kappa d}; the
iteration contracts while the cv of kappa under those weights is below 1. A prior that was fitted to other assets by
`exposure.population_prior` makes any of them hierarchical (empirical Bayes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mmresearch.sim.loop.exposure import (
    Evidence,
    Posterior,
    Prior,
    add,
    interpolate,
    log_table,
    nothing_seen,
    posterior,
    window,
)
from mmresearch.sim.loop.quoting import CLOSED_FORM, QuoteRule
from mmresearch.sim.loop.world import Array, Plan, Seen, Setting, Truth, affine_plan, widening

#: Steps of the iteration for D.
_STEPS = 8
_PRIOR = Prior()


@dataclass(frozen=True)
class PlugIn:
    """Quotes from posterior means.

    Parameters
    ----------
    prior : Prior
        Of A and kappa.
    known_A : bool
        Whether A is told.
    """

    prior: Prior = _PRIOR
    known_A: bool = False
    name: str = field(default="posterior mean", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = None

    def init(self, setting: Setting, truth: Truth) -> Evidence:
        """Return no evidence."""
        return nothing_seen(truth.A, self.known_A)

    def observe(self, state: Evidence, seen: Seen, setting: Setting) -> Evidence:
        """Add an interval."""
        return add(state, seen, self.prior)

    def plan(self, state: Evidence, setting: Setting) -> Plan:
        """Return the closed form at the posterior means."""
        return self.quote(*posterior(state, self.prior, self.known_A).mean(), setting)


@dataclass(frozen=True)
class JointPosterior(PlugIn):
    """Quotes that maximise the expected edge under the joint posterior.

    Parameters
    ----------
    prior : Prior
        Of A and kappa.
    known_A : bool
        Whether A is told.

    Raises
    ------
    ValueError
        If another rule than the closed form is asked for: the quotes are those of the joint belief, of no estimate.
    """

    name: str = field(default="joint posterior", compare=False)

    def __post_init__(self) -> None:
        """Refuse a rule that would not be followed."""
        if self.quote != CLOSED_FORM:
            raise ValueError(f"a joint posterior quotes from all of itself; for {self.quote!r} use PlugIn")

    def plan(self, state: Evidence, setting: Setting) -> Plan:
        """Return D(c) and D(c + slope) - D(c)."""
        belief = posterior(state, self.prior, self.known_A)
        lean = affine_plan(*belief.mean(), setting).slope
        best = best_depth(belief, setting.cost)
        expected = jnp.sum(belief.weight * belief.A * jnp.exp(-belief.kappa * best)) * setting.dt
        base = setting.cost + (best - setting.cost) * widening(expected)
        return Plan(base, best_depth(belief, setting.cost + lean) - best)


def best_depth(belief: Posterior, cost: Array) -> Array:
    """Return the depth that maximises E[A e^{-kappa d}](d - c), bps.

    Parameters
    ----------
    belief : Posterior
        Of one replication.
    cost : array
        c, bps.
    """
    worth = belief.weight * belief.A
    depth = cost + jnp.sum(worth) / jnp.sum(worth * belief.kappa)

    def step(_: int, depth: Array) -> Array:
        tilted = worth * jnp.exp(-(belief.kappa - belief.kappa[0]) * depth)
        return cost + jnp.sum(tilted) / jnp.sum(tilted * belief.kappa)

    return jax.lax.fori_loop(0, _STEPS, step, depth)


@dataclass(frozen=True)
class RegularisedLikelihood:
    """Quotes from the peak of the likelihood less a penalty on kappa; A profiled out, or known.

    Parameters
    ----------
    prior : Prior
        Gives the nodes, kappa_0 = `kappa_mean`, and one fill in `A_rate_s` seconds with which A starts.
    penalty : float
        Times (kappa/kappa_0 - 1)^2/2, 1.
    known_A : bool
        Whether A is told, as in the paper.
    """

    prior: Prior = _PRIOR
    penalty: float = 1.0
    known_A: bool = False
    name: str = field(default="regularised likelihood", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = None

    def init(self, setting: Setting, truth: Truth) -> Evidence:
        """Return no evidence."""
        return nothing_seen(truth.A, self.known_A)

    def observe(self, state: Evidence, seen: Seen, setting: Setting) -> Evidence:
        """Add an interval."""
        return add(state, seen, self.prior)

    def plan(self, state: Evidence, setting: Setting) -> Plan:
        """Return the closed form at the peak."""
        table = log_table(state, self.prior, self.known_A)

        def height(kappa: Array) -> Array:
            log_s = interpolate(table, kappa, self.prior)
            likely = -kappa * state.travelled
            likely = likely - (state.A * jnp.exp(log_s) if self.known_A else state.fills * log_s)
            return likely - 0.5 * self.penalty * (kappa / self.prior.kappa_mean - 1.0) ** 2

        kappa = jnp.asarray(self.prior.nodes(), table.dtype)
        for _ in range(2):
            top = height(kappa)
            weight = jnp.exp(top - jnp.max(top))
            kappa = window(kappa, weight / jnp.sum(weight), self.prior)
        peak = vertex(kappa, height(kappa))
        if self.known_A:
            return self.quote(state.A, peak, setting)
        rate = (1.0 + state.fills) * jnp.exp(-interpolate(table, peak[None], self.prior)[0])
        return self.quote(rate, peak, setting)


def vertex(x: Array, y: Array) -> Array:
    """Return where the parabola through the highest of equidistant points and its neighbours is highest."""
    at = jnp.clip(jnp.argmax(y), 1, y.shape[0] - 2)
    left, middle, right = y[at - 1], y[at], y[at + 1]
    bend = jnp.minimum(left - 2.0 * middle + right, -1e-30)
    return x[at] + jnp.clip(0.5 * (left - right) / bend, -1.0, 1.0) * (x[1] - x[0])


class Gauss(NamedTuple):
    """Mean of ln A and ln kappa, and the precision matrix [[p, r], [r, s]]."""

    log_A: Array
    log_kappa: Array
    p: Array
    r: Array
    s: Array


@dataclass(frozen=True)
class Recursive:
    """A Gaussian belief about ln A and ln kappa, moved by one natural-gradient step per interval.

    Of an order exposed for s seconds, m = A e^{-kappa d} s, the score in (ln A, ln kappa) is (n - m)(1, -kappa d), and
    the information m (1, -kappa d)(1, -kappa d)'. Precision adds up, and the mean moves by precision^{-1} score:
    Laplace's posterior, kept by recursion, in a few numbers and without a grid. Approximate at first.

    Parameters
    ----------
    A, kappa : float
        Prior medians, 1/s and 1/bp.
    A_sd, kappa_sd : float
        Prior sds of the logarithms.
    """

    A: float = 0.5
    kappa: float = 0.2
    A_sd: float = 1.0
    kappa_sd: float = 0.5
    name: str = field(default="recursive Laplace", compare=False)
    quote: QuoteRule = CLOSED_FORM
    refresh_s: float | None = 0.0

    def init(self, setting: Setting, truth: Truth) -> Gauss:
        """Start from the prior."""
        one = jnp.ones_like(truth.A)
        log_A, log_kappa = (jnp.log(x * one) for x in (self.A, self.kappa))
        return Gauss(log_A, log_kappa, one / self.A_sd**2, 0.0 * one, one / self.kappa_sd**2)

    def observe(self, state: Gauss, seen: Seen, setting: Setting) -> Gauss:
        """Add the information of both orders and step."""
        kappa = jnp.exp(state.log_kappa)
        bid_x, ask_x = kappa * seen.bid_depth, kappa * seen.ask_depth
        bid_m = jnp.exp(state.log_A - bid_x) * seen.bid_s
        ask_m = jnp.exp(state.log_A - ask_x) * seen.ask_s
        bid_miss, ask_miss = seen.bid_fill - bid_m, seen.ask_fill - ask_m
        p = state.p + bid_m + ask_m
        r = state.r - bid_m * bid_x - ask_m * ask_x
        s = state.s + bid_m * bid_x * bid_x + ask_m * ask_x * ask_x
        score, lean = bid_miss + ask_miss, -bid_miss * bid_x - ask_miss * ask_x
        over = 1.0 / (p * s - r * r)
        step_A, step_kappa = over * (s * score - r * lean), over * (p * lean - r * score)
        # A surprise must not throw the mean further than its own prior reaches.
        return Gauss(
            state.log_A + jnp.clip(step_A, -1.0, 1.0), state.log_kappa + jnp.clip(step_kappa, -0.5, 0.5), p, r, s
        )

    def plan(self, state: Gauss, setting: Setting) -> Plan:
        """Return the closed form at the mean."""
        return self.quote(jnp.exp(state.log_A), jnp.exp(state.log_kappa), setting)
