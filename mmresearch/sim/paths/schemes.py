"""Two schemes of time: steps with at most one fill a side in each, and events without any error of time.

Steps of dt, the quotes fixed at the beginning of each. One uniform number u serves both sides, whose fills are
independent with probabilities p_b, p_a, by four outcomes:

    [0, p_b (1 - p_a)) buy,   [.., p_b) both,   [.., p_b + p_a - p_a p_b) sell,   the rest none

p = lambda dt ("bernoulli", as in Avellaneda and Stoikov 2008) or 1 - e^{-lambda dt} ("exponential"). Then the mid moves
by mu dt and by sigma sqrt(dt), up or down ("binary", as in the paper) or times a Normal number ("gaussian").

Events: in an interval in which a table of quotes stands still, the next fill comes after an exponential time of rate
lambda_b + lambda_a; if that is beyond the interval, nothing happens in what is left of it, and the next one begins. The
mid moves by a Normal number over whatever time passes. Exact in law.

`optimization_barrier` keeps the compiler from working words and fills out again for each thing that depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from mmresearch.sim.paths.market import Holding, Scenario, at_start, filled, moved, rates
from mmresearch.sim.paths.policies import TablePolicy
from mmresearch.sim.paths.threefry import Array, Generator, normal, open_uniform, sign, uniform


@dataclass(frozen=True)
class Steps:
    """Steps of time.

    Attributes
    ----------
    steps : int
        How many there are up to the horizon.
    fills : {"bernoulli", "exponential"}
        Probability of a fill in a step: lambda dt, or 1 - e^{-lambda dt}.
    mid : {"binary", "gaussian"}
        How the mid moves.
    """

    steps: int
    fills: Literal["bernoulli", "exponential"] = "bernoulli"
    mid: Literal["binary", "gaussian"] = "binary"

    def __post_init__(self) -> None:
        """Refuse what is no scheme."""
        if self.steps < 1 or self.fills not in ("bernoulli", "exponential") or self.mid not in ("binary", "gaussian"):
            raise ValueError(f"{self} is no scheme: steps >= 1, fills bernoulli or exponential, mid binary or gaussian")

    def run(
        self, scenarios: tuple[Scenario, ...], horizon_s: float, key: Array, paths: Array, words: Generator, dtype: Any
    ) -> tuple[Holding, ...]:
        """Run the paths of one leaf to the horizon; see `mmresearch.sim.paths.simulate`."""
        dt = dtype(horizon_s / self.steps)
        per_call = 2 if self.mid == "binary" else 1

        def one(i: Array, held: tuple[Holding, ...], u: Array, shock: Array) -> tuple[Holding, ...]:
            time = i.astype(dtype) * dt
            return tuple(self._step(s, h, time, dt, u, shock) for s, h in zip(scenarios, held, strict=True))

        def call(j: Array, held: tuple[Holding, ...], takes: int = per_call) -> tuple[Holding, ...]:
            first, second = jax.lax.optimization_barrier(words(key, paths, j))
            if self.mid == "gaussian":
                return one(j, held, uniform(first, dtype), normal(second, dtype))
            for i, word in enumerate((first, second)[:takes]):
                held = one(2 * j + i, held, uniform(word, dtype), sign(word, dtype))
            return held

        start = tuple(at_start(paths, dtype) for _ in scenarios)
        held = jax.lax.fori_loop(0, self.steps // per_call, call, start)
        return held if self.steps % per_call == 0 else call(jnp.int32(self.steps // per_call), held, 1)

    def _step(self, scenario: Scenario, held: Holding, t: Array, dt: Any, u: Array, shock: Array) -> Holding:
        policy, market = scenario
        bid, ask, buys, sells = rates(policy, market, held.q, t)
        pb, pa = (self._probability(r * dt) for r in (buys, sells))
        lone = pb - pb * pa
        sell = (u >= lone) & (u < lone + pa)
        outcome = jax.lax.optimization_barrier((u < pb).astype(jnp.int8) + 2 * sell.astype(jnp.int8))
        return moved(market, filled(market, held, bid, ask, (outcome & 1) > 0, outcome > 1), dt, shock)

    def _probability(self, expected: Array) -> Array:
        return jnp.minimum(expected, 1.0) if self.fills == "bernoulli" else -jnp.expm1(-expected)


@dataclass(frozen=True)
class Events:
    """From fill to fill; policies are tables."""

    def run(
        self, scenarios: tuple[Scenario, ...], horizon_s: float, key: Array, paths: Array, words: Generator, dtype: Any
    ) -> tuple[Holding, ...]:
        """Run the paths of one leaf to the horizon; see `mmresearch.sim.paths.simulate`.

        Raises
        ------
        ValueError
            If a policy is no table, or ends at another time than the horizon.
        """
        return tuple(self._one(scenario, horizon_s, key, paths, words, dtype) for scenario in scenarios)

    def _one(
        self, scenario: Scenario, horizon_s: float, key: Array, paths: Array, words: Generator, dtype: Any
    ) -> Holding:
        policy, market = scenario
        if not isinstance(policy, TablePolicy):
            raise ValueError("from event to event quotes must stand still: give a table (table_policy), or use Steps")
        m = policy.bid.shape[0]
        lengths = jnp.diff(policy.edges_s).astype(dtype)

        def event(state: tuple[Any, ...]) -> tuple[Any, ...]:
            n, row, left, held = state
            at = policy.column(held.q)
            inner = jnp.minimum(row, m - 1)
            bid, ask = policy.bid[inner, at], policy.ask[inner, at]
            _, _, buys, sells = rates(lambda *_: (bid, ask), market, held.q, left)
            wait_word, side_word = words(key, paths, 2 * n)
            _, shock_word = words(key, paths, 2 * n + 1)
            wait = -jnp.log(open_uniform(wait_word, dtype)) / jnp.maximum(buys + sells, dtype(1e-30))
            alive, hit = row < m, (wait < left) & (row < m)
            passed = jnp.where(alive, jnp.minimum(wait, left), 0.0)
            held = moved(market, held, passed, normal(shock_word, dtype))
            buy = uniform(side_word, dtype) * (buys + sells) < buys
            held = filled(market, held, bid, ask, hit & buy, hit & ~buy)
            row = row + (alive & ~hit)
            left = jnp.where(hit, left - passed, lengths[jnp.minimum(row, m - 1)])
            return n + 1, row, left, held

        row = jnp.zeros(paths.shape, jnp.int32)
        start = (jnp.uint32(0), row, jnp.broadcast_to(lengths[0], paths.shape), at_start(paths, dtype))
        return jax.lax.while_loop(lambda state: jnp.any(state[1] < m), event, start)[-1]


Scheme = Steps | Events
