"""Kappa as deployed, in the loop: every five seconds the fills so far, over the seconds so far times a spread.

    shape += N(t),   rate += t * spread        each 5 s, if 100 < N(t)/(t * spread as a fraction of price) < 1e5

as `mmresearch.learn.deployed.kappa.DeployedKappa` does on a tape. N(t) are the maker's own fills, so that it learns
from what it quotes: wider quotes, fewer fills, a smaller kappa, wider quotes. Its quotes are those of
`quoting.DeployedFormula`, whose horizon is the mean time between fills so far, t/N(t), at most 120 s.

Units: seconds, bps; kappa per bp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from mmresearch.learn.deployed.kappa import KEPT_RANGE, PRIOR_MEAN, PRIOR_STRENGTH, STEP_S
from mmresearch.sim.loop.quoting import DeployedFormula, QuoteRule
from mmresearch.sim.loop.world import Array, Plan, Seen, Setting, Truth

_PER_BP = 1e-4
_DEPLOYED = DeployedFormula()


class Rates(NamedTuple):
    """Fills and intervals so far, seconds exposed of both sides; shape and rate (bps) of the belief about kappa."""

    fills: Array
    intervals: Array
    exposure_s: Array
    shape: Array
    rate: Array


@dataclass(frozen=True)
class FillsPerSecond:
    """Kappa as deployed.

    Parameters
    ----------
    spread_bps : float
        Spread of the market, the same at all times, bps, > 0.
    kappa, strength : float
        Prior of kappa: mean, 1/bp, and the fills that it counts for.
    A : float
        Prior of A, 1/s, worth as many fills; for rules that ask for A, which is then set as by `makers.FillDistances`.
    feed_s : float
        Seconds between two steps, whole intervals.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    spread_bps: float = 4.0
    kappa: float = PRIOR_MEAN * _PER_BP
    strength: float = PRIOR_STRENGTH
    A: float = 0.5
    feed_s: float = STEP_S
    name: str = field(default="as deployed", compare=False)
    quote: QuoteRule = _DEPLOYED
    refresh_s: float | None = STEP_S

    def __post_init__(self) -> None:
        """Refuse what no market has."""
        for name in ("spread_bps", "kappa", "strength", "A", "feed_s"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be finite and positive, got {getattr(self, name)}")

    def init(self, setting: Setting, truth: Truth) -> Rates:
        """Start from the prior."""
        nothing, shape = jnp.zeros_like(truth.A), jnp.full_like(truth.A, self.strength)
        return Rates(nothing, nothing, nothing, shape, shape / self.kappa)

    def observe(self, state: Rates, seen: Seen, setting: Setting) -> Rates:
        """Count; at the end of a step, feed the counts."""
        fills, intervals = state.fills + seen.bid_fill + seen.ask_fill, state.intervals + 1.0
        counted = state._replace(
            fills=fills, intervals=intervals, exposure_s=state.exposure_s + seen.bid_s + seen.ask_s
        )
        exposure = intervals * (setting.dt * self.spread_bps)
        low, high = (x * _PER_BP for x in KEPT_RANGE)
        due = intervals % setting.whole_intervals(self.feed_s) == 0
        fed = due & (fills > low * exposure) & (fills < high * exposure)
        return counted._replace(
            shape=state.shape + jnp.where(fed, fills, 0.0), rate=state.rate + jnp.where(fed, exposure, 0.0)
        )

    def plan(self, state: Rates, setting: Setting) -> Plan:
        """Return the quotes of the belief's mean, and of the fills per second so far."""
        seconds = jnp.maximum(state.intervals, 1.0) * setting.dt
        A = (self.strength + state.fills) / (self.strength / self.A + state.exposure_s / math.e)
        return self.quote(A, state.shape / state.rate, setting, state.fills / seconds)
