"""How a maker quotes from a point estimate of (A, kappa): the closed form, or the formula in use.

`ClosedForm` is best where its numbers hold (`world.affine_plan`). `DeployedFormula` is that of
`mmresearch.quote.glft.deployed_quote`, traced by JAX and without drift:

    half-spread = (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 T/2 + fee, at least the floor,
    T = min(1/lambda, 120 s).

Its quotes do not lean by inventory, so that even from the truth it loses for ever against quotes that do. lambda is the
rate of fills of both sides: what the maker has measured, or if it has not, what it believes at the half-spread without
the risk term, 2 A e^{-kappa d}. The fee is the cost of the setting.

Units: seconds, bps; A per second and side, kappa and gamma per bp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax.numpy as jnp
import numpy as np

from mmresearch.quote.glft.deployed_quote import LONGEST_HORIZON_S
from mmresearch.quote.glft.model import log1p_ratio
from mmresearch.sim.loop.world import Array, Plan, Setting, affine_plan

#: Fill rate, 1/s, below which 1/lambda is longer than any horizon.
_NO_FILLS = 1e-9


class QuoteRule(Protocol):
    """The contract of a rule: hashable, and a function of arrays that JAX can trace."""

    def __call__(self, A: Array, kappa: Array, setting: Setting, fill_rate_per_s: Array | None = None) -> Plan:
        """Return the quotes.

        Parameters
        ----------
        A, kappa : array
            Estimate, 1/s and 1/bp; positive.
        setting : Setting
            The rest.
        fill_rate_per_s : array, optional
            Fills of both sides per second, if the maker has measured them.
        """
        ...


@dataclass(frozen=True)
class ClosedForm:
    """Quotes that are best if the estimate is the truth."""

    def __call__(self, A: Array, kappa: Array, setting: Setting, fill_rate_per_s: Array | None = None) -> Plan:
        """Return `world.affine_plan`: see `QuoteRule`."""
        return affine_plan(A, kappa, setting)


CLOSED_FORM = ClosedForm()


@dataclass(frozen=True)
class DeployedFormula:
    """Quotes as deployed: one half-spread whatever is held.

    Parameters
    ----------
    floor_bps : float
        Least half-spread, bps, >= 0.
    longest_s : float
        Longest horizon T, s, >= 0.

    Raises
    ------
    ValueError
        If a number is negative or not finite.
    """

    floor_bps: float = 5.0
    longest_s: float = LONGEST_HORIZON_S

    def __post_init__(self) -> None:
        """Refuse what bounds nothing."""
        for name in ("floor_bps", "longest_s"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be finite and at least 0, got {getattr(self, name)}")

    def __call__(self, A: Array, kappa: Array, setting: Setting, fill_rate_per_s: Array | None = None) -> Plan:
        """Return the half-spread, and no slope: see `QuoteRule`."""
        calm = log1p_ratio(jnp, setting.gamma / kappa) / kappa + setting.cost
        rate = 2.0 * A * jnp.exp(-kappa * calm) if fill_rate_per_s is None else fill_rate_per_s
        horizon_s = jnp.minimum(1.0 / jnp.maximum(rate, _NO_FILLS), self.longest_s)
        return Plan(jnp.maximum(calm + setting.penalty * horizon_s, self.floor_bps), jnp.zeros_like(kappa))
