"""A market in which a maker is filled at rate A e^{-kappa d}, in decision intervals, and the best affine quotes in it.

In each interval of length dt the maker rests one order per side, at depths d_b and d_a from the mid, at inventory q:

    d_b = base + slope (1/2 + q),   d_a = base + slope (1/2 - q);   no bid at q = Q, no ask at q = -Q.

A side is filled when its exponential clock runs out, at E/(A e^{-kappa d}) seconds with E ~ Exp(1), if that is before
dt; then it rests no more in this interval. So the chance is p = 1 - e^{-m}, m = A e^{-kappa d} dt, and the order was
exposed until the fill. A fill earns d - c, c the cost: fee and expected adverse move. The mid is a walk of sd
sigma sqrt(dt) per interval. What is maximised is the long-run mean of

    edge of fills + q dS - (gamma sigma^2/2) q^2 dt,

Gueant's model B (xi = 0; Cartea, Jaimungal and Penalva 2015, section 10.2; the criterion of arXiv 2409.02025). Its
closed-form quotes have slope = sqrt(gamma sigma^2 e^{1 + kappa c}/(2 A kappa)) and base = c + 1/kappa. With at most one
fill in an interval, the depth that maximises p (d - c) is a little wider: d - c = (e^m - 1)/(m kappa), of which the
series is used here. As dt goes to 0 the closed form is back.

Units: seconds, bps of mid, one lot; kappa per bp, A per second and side, gamma per bp and lot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
#: A number or array of JAX, traced or not.
type Array = Any

#: Expected fills of an interval beyond which the series of the best depth is not continued.
_MANY = 0.5


@dataclass(frozen=True)
class Setting:
    """What every maker knows.

    Attributes
    ----------
    sigma : float
        Volatility of the mid, bps per sqrt(s), >= 0.
    gamma : float
        Price of inventory risk, 1/(bps x lot), >= 0.
    cost : float
        Cost of a fill, bps.
    dt : float
        Length of a decision interval, s, > 0.
    Q : int
        Largest inventory, lots.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    sigma: float = 1.0
    gamma: float = 0.01
    cost: float = 0.0
    dt: float = 0.25
    Q: int = 15

    def __post_init__(self) -> None:
        """Refuse what no market has."""
        for name in ("sigma", "gamma", "cost", "dt"):
            value = getattr(self, name)
            if not np.isfinite(value) or (name != "cost" and value < 0):
                raise ValueError(f"{name} must be finite and at least 0, got {value}")
        if not self.dt > 0:
            raise ValueError(f"dt must be positive, got {self.dt}")
        if not (isinstance(self.Q, int) and self.Q >= 1):
            raise ValueError(f"Q counts lots and is at least 1, got {self.Q!r}")

    @property
    def penalty(self) -> float:
        """Price of a squared lot held for a second, gamma sigma^2/2, bps/s."""
        return 0.5 * self.gamma * self.sigma**2

    def whole_intervals(self, seconds: float) -> int:
        """Return how many intervals a time has.

        Raises
        ------
        ValueError
            If the time is negative, or ends within an interval.
        """
        count = round(seconds / self.dt)
        if seconds < 0 or abs(count * self.dt - seconds) > 1e-9 * self.dt:
            raise ValueError(f"{seconds:g} s are no whole number of intervals of {self.dt:g} s; change one of them")
        return count


class Truth(NamedTuple):
    """What no maker but the oracle knows: A per second and side, kappa per bp; arrays of one shape."""

    A: Array
    kappa: Array


class Plan(NamedTuple):
    """Affine quotes: half-spread without inventory risk, and shift per lot, bps."""

    base: Array
    slope: Array


class Seen(NamedTuple):
    """One interval as its maker sees it: depths in bps, whether each side was filled, seconds that each rested."""

    bid_depth: Array
    ask_depth: Array
    bid_fill: Array
    ask_fill: Array
    bid_s: Array
    ask_s: Array


def truths(A: ArrayLike, kappa: ArrayLike) -> Truth:
    """Return truths, one per replication.

    Raises
    ------
    ValueError
        If the shapes differ, are not vectors, or a number is not positive.
    """
    a, k = np.asarray(A, dtype=float), np.asarray(kappa, dtype=float)
    if a.shape != k.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"A and kappa must be two vectors of one length, got {a.shape} and {k.shape}")
    if not (np.all(np.isfinite(a) & (a > 0)) and np.all(np.isfinite(k) & (k > 0))):
        raise ValueError("A and kappa must be positive in every replication")
    return Truth(a, k)


def draw_truths(count: int, seed: int, A: float = 0.5, kappa: float = 0.2, spread: float = 0.3) -> Truth:
    """Draw log-normal truths: a population of assets.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the generator.
    A, kappa : float
        Medians, 1/s and 1/bp.
    spread : float
        Sd of both logarithms; they are independent.
    """
    z = np.random.default_rng(seed).normal(size=(2, count)) * spread
    return truths(A * np.exp(z[0]), kappa * np.exp(z[1]))


def affine_plan(A: Array, kappa: Array, setting: Setting) -> Plan:
    """Return the quotes that are best if A and kappa hold: the closed form, with the interval's own correction.

    Parameters
    ----------
    A, kappa : array
        1/s and 1/bp; positive.
    setting : Setting
        The rest.
    """
    touch = jnp.exp(-1.0 - kappa * setting.cost) if setting.cost else float(np.exp(-1.0))
    slope = jnp.sqrt(setting.penalty / (A * kappa * touch)) if setting.penalty else jnp.zeros_like(kappa)
    return Plan(setting.cost + widening(A * touch * setting.dt) / kappa, slope)


def widening(m0: Array) -> Array:
    """Best depth beyond the cost, in units of 1/kappa, if m0 fills are expected at the depth of the closed form.

    The fixed point m = m0 e^{1 - f}, f = (e^m - 1)/m, in powers of m0, then f in powers of m.
    """
    m0 = jnp.minimum(m0, _MANY)
    m = m0 * (1.0 - m0 * (0.5 - m0 * (5.0 / 24.0 - m0 / 24.0)))
    return 1.0 + m * (0.5 + m * (1.0 / 6.0 + m / 24.0))


class Values(NamedTuple):
    """What the oracle gains, and what an inventory is worth to it.

    Attributes
    ----------
    gain : ndarray, shape (R,)
        Long-run mean of the criterion per interval, bps.
    rise : ndarray, shape (R, 2 Q)
        h(q + 1) - h(q) for q = -Q .. Q - 1, bps; h the relative value of inventory q.
    """

    gain: Array
    rise: Array


def values(plan: Plan, truth: Truth, setting: Setting) -> Values:
    """Solve rho + h(q) = r(q) + E h(q') for an affine policy.

    Inventory moves by one lot, up with chance u(q) and down with d(q), and neighbours balance under its law p:
    rho = sum p r, and p(q) u(q) [h(q + 1) - h(q)] = sum of p (rho - r) over the inventories up to q.

    Parameters
    ----------
    plan : Plan
        Arrays of shape (R,), or numbers.
    truth : Truth
        Arrays of shape (R,).
    setting : Setting
        The rest.
    """
    Q, count = setting.Q, len(truth.A)
    q = np.arange(-Q, Q + 1)
    bid, ask = chances(plan, truth, setting)
    base, slope = (np.broadcast_to(np.asarray(x, dtype=float), (count,))[:, None] for x in plan)
    reward = bid * (base + slope * (0.5 + q) - setting.cost) + ask * (base + slope * (0.5 - q) - setting.cost)
    reward = reward - setting.penalty * setting.dt * q**2
    up, down = bid * (1.0 - ask), ask * (1.0 - bid)
    p = np.cumsum(np.log(up[:, :-1]) - np.log(down[:, 1:]), axis=1)
    p = np.concatenate([np.zeros((count, 1)), p], axis=1)
    p = np.exp(p - p.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    gain = np.sum(p * reward, axis=1)
    owed = p * (gain[:, None] - reward)
    # From the nearer end: what is owed adds up to 0, and the far sum would lose its digits where p is small.
    flow = np.where(q[:-1] < 0, np.cumsum(owed, axis=1)[:, :-1], -np.cumsum(owed[:, ::-1], axis=1)[:, ::-1][:, 1:])
    return Values(gain, flow / (p * up)[:, :-1])


def chances(plan: Plan, truth: Truth, setting: Setting) -> tuple[Floats, Floats]:
    """Return the chance of a fill in an interval at every inventory, bid and ask: shape (R, 2 Q + 1).

    Parameters
    ----------
    plan, truth : Plan, Truth
        Arrays of shape (R,).
    setting : Setting
        The rest.
    """
    q = np.arange(-setting.Q, setting.Q + 1)
    A, kappa, base, slope = (
        np.broadcast_to(np.asarray(x, dtype=float), np.shape(truth.A))[:, None] for x in (*truth, *plan)
    )
    bid, ask = (-np.expm1(-A * setting.dt * np.exp(-kappa * (base + slope * (0.5 + side * q)))) for side in (1.0, -1.0))
    bid[:, -1] = ask[:, 0] = 0.0
    return bid, ask
