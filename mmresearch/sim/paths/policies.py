"""How to quote, as pytrees that are functions: (inventory, seconds since the start) -> depths of bid and ask.

    AffinePolicy:  bid = b_0 + b_1 tau + (s_0 + s_1 tau) q,   ask = a_0 + a_1 tau - (s_0 + s_1 tau) q,   tau = T - t
    TablePolicy:   depths by interval of time and by inventory, read off a table

The closed form, Avellaneda and Stoikov's rule and symmetric quotes are affine, and an affine quote costs two
multiplications where a table costs a gather. Anything else will do too if it is a pytree and can be called so; the
event-driven scheme wants tables, whose rates stand still between events. Depths in price, inventory in size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from mmresearch.quote.glft import policy as tables
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import Method, quotes
from mmresearch.sim.paths.threefry import Array


class PathPolicy(Protocol):
    """A pytree that quotes."""

    def __call__(self, q: Array, t: Array) -> tuple[Array, Array]:
        """Return depths of bid and ask (price) at inventories q (size) and a time t (s)."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AffinePolicy:
    """Depths that are affine in the inventory, with coefficients affine in the time that is left.

    Attributes
    ----------
    bid, ask, skew : tuple of two floats
        Depth of either side, and what a unit of inventory adds to the bid: at the horizon, and per second before it.
    horizon_s : float
        T, seconds.
    """

    bid: tuple[Array, Array]
    ask: tuple[Array, Array]
    skew: tuple[Array, Array]
    horizon_s: Array

    def __call__(self, q: Array, t: Array) -> tuple[Array, Array]:
        """Return the depths."""
        left = self.horizon_s - t
        skew = (self.skew[0] + self.skew[1] * left) * q
        return self.bid[0] + self.bid[1] * left + skew, self.ask[0] + self.ask[1] * left - skew


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TablePolicy:
    """Depths by interval and inventory.

    Attributes
    ----------
    bid, ask : array, shape (m, 2 Q + 1)
        Depths, price; infinite for no quote.
    edges_s : array, shape (m + 1,)
        Ends of the intervals, s from the start.
    lot : float
        Size of a lot.
    """

    bid: Array
    ask: Array
    edges_s: Array
    lot: Array

    def column(self, q: Array) -> Array:
        """Return the column of an inventory."""
        return jnp.round(q / self.lot).astype(jnp.int32) + self.bid.shape[-1] // 2

    def __call__(self, q: Array, t: Array) -> tuple[Array, Array]:
        """Return the depths; `t` is one number."""
        row = jnp.clip(jnp.searchsorted(self.edges_s, t, side="right") - 1, 0, self.bid.shape[0] - 1)
        at = self.column(q)
        return self.bid[row][at], self.ask[row][at]


def affine_policy(model: Model, method: Method = "closed") -> AffinePolicy:
    """Return the quotes of a method that is affine in inventory and time.

    Parameters
    ----------
    model : Model
        Parameters that the maker believes, numbers.
    method : {"closed", "as2008", "symmetric"}
        How it quotes.

    Raises
    ------
    ValueError
        If the quotes of the method are not affine.
    """
    horizon, lot = float(model.T), float(model.lot)
    sizes, left = lot * np.array([0.0, 1.0, 2.0]), horizon * np.array([[0.0], [0.5], [1.0]])
    found = quotes(Model(**{**vars(model), "Q": max(model.Q, 3)}), sizes, method, left)
    bid, ask = (np.broadcast_to(np.asarray(side, dtype=float), (3, 3)) for side in (found.bid, found.ask))

    def line(side: np.ndarray) -> tuple[float, float]:
        return float(side[0]), float((side[2] - side[0]) / horizon)

    made = AffinePolicy(line(bid[:, 0]), line(ask[:, 0]), line((bid[:, 1] - bid[:, 0]) / lot), horizon)
    for shown, side in zip(made(sizes, horizon - left), (bid, ask), strict=True):
        if not np.allclose(np.broadcast_to(shown, (3, 3)), side, rtol=1e-9, atol=1e-12):
            raise ValueError(f"{method} quotes are not affine in inventory and time; use table_policy")
    return made


def constant_policy(depth: float) -> AffinePolicy:
    """Return the policy that quotes both sides at one depth (price), whatever it holds."""
    return AffinePolicy((depth, 0.0), (depth, 0.0), (0.0, 0.0), 0.0)


def table_policy(policy: tables.Policy, horizon_s: float, lot: float = 1.0) -> TablePolicy:
    """Return a table of `mmresearch.quote.glft` as a policy of paths.

    Parameters
    ----------
    policy : mmresearch.quote.glft.policy.Policy
        Depths by inventory, and by interval.
    horizon_s : float
        T, seconds.
    lot : float
        Size of a lot.
    """
    bid, ask, lengths = policy.by_interval(horizon_s)
    return TablePolicy(bid, ask, np.append(0.0, np.cumsum(lengths)), lot)
