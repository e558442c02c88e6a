"""Evidence about (A, kappa) from orders that were and were not filled, kept on nodes of kappa, and its posterior.

With orders exposed for s seconds at depth d, n = 1 if filled, the likelihood is that of `learn.sound.kappa`,

    log L(A, kappa) = N ln A - kappa T - A S(kappa),   N = sum n,  T = sum n d,  S(kappa) = sum s e^{-kappa d}:

N, T and the function S are sufficient. S is kept exactly on equidistant nodes; between them ln(r + S), smooth, is
interpolated by the cubic through four nodes. With priors A ~ Gamma(s, r), kappa ~ Gamma(a, b), A integrates out,

    p(kappa) ~ kappa^(a-1) e^{-b kappa - kappa T} (r + S(kappa))^{-(s + N)},   E[A | kappa] = (s + N)/(r + S(kappa)),

and with A known p(kappa) ~ kappa^(a-1) e^{-b kappa - kappa T - A S(kappa)}. A window of points that follows the
posterior mass twice resolves p however narrow it becomes. The prior ends at the outer nodes.

Units: seconds, bps; A per second and side, kappa per bp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from mmresearch.sim.loop.world import Array, Seen

#: Nodes of kappa are kept as products of two short tables of exponentials.
_COARSE, _FINE = 6, 8
NODES = _COARSE * _FINE
#: Outer nodes, over the prior mean of kappa.
_LOW, _HIGH = 0.1, 5.0
#: Points of a window, and its half-width in posterior sds.
_POINTS, _REACH = 33, 6.0
_NOTHING = 1e-30


@dataclass(frozen=True)
class Prior:
    """Independent Gamma priors, as those of `learn.sound.kappa.KappaExposure` but per bp.

    Attributes
    ----------
    kappa_mean, kappa_shape : float
        Of kappa, 1/bp.
    A_shape, A_rate_s : float
        Of A: mean A_shape/A_rate_s per second.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    kappa_mean: float = 0.2
    kappa_shape: float = 4.0
    A_shape: float = 1.0
    A_rate_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what is no prior."""
        for name in ("kappa_mean", "kappa_shape", "A_shape", "A_rate_s"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be finite and positive, got {getattr(self, name)}")

    @property
    def low(self) -> float:
        """The smallest node of kappa, 1/bp."""
        return _LOW * self.kappa_mean

    @property
    def step(self) -> float:
        """Distance between nodes, 1/bp."""
        return (_HIGH - _LOW) * self.kappa_mean / (NODES - 1)

    def nodes(self) -> np.ndarray:
        """All nodes, 1/bp, shape (NODES,)."""
        return self.low + self.step * np.arange(NODES)


def population_prior(A: ArrayLike, kappa: ArrayLike) -> Prior:
    """Fit the prior of a new asset to other assets: Gammas with their mean and variance.

    Parameters
    ----------
    A, kappa : array_like, shape (assets,)
        What was found for the others, 1/s and 1/bp.

    Raises
    ------
    ValueError
        If there are fewer than three assets, or all are the same.
    """
    a, k = np.asarray(A, dtype=float), np.asarray(kappa, dtype=float)
    if a.shape != k.shape or a.ndim != 1 or a.size < 3:
        raise ValueError(f"a population needs three assets or more, got {a.shape} and {k.shape}")
    var_a, var_k = float(a.var(ddof=1)), float(k.var(ddof=1))
    if not (var_a > 0 and var_k > 0):
        raise ValueError("all assets of the population are the same")
    mean_a, mean_k = float(a.mean()), float(k.mean())
    return Prior(mean_k, mean_k**2 / var_k, mean_a**2 / var_a, mean_a / var_a)


class Evidence(NamedTuple):
    """Sufficient statistics of one replication.

    Attributes
    ----------
    fills : array
        N.
    travelled : array
        T, bps.
    survives : array, shape (NODES,)
        S at the nodes, s.
    A : array
        The true A if it is known, 1/s; else 0.
    """

    fills: Array
    travelled: Array
    survives: Array
    A: Array


def nothing_seen(A: Array, known_A: bool) -> Evidence:
    """Return the evidence before the first interval; A, of the dtype of what follows, is kept if it is known."""
    zero = jnp.zeros_like(A)
    return Evidence(zero, zero, jnp.zeros(NODES, A.dtype), A if known_A else zero)


def add(evidence: Evidence, seen: Seen, prior: Prior) -> Evidence:
    """Add one interval: fills, their depths, and e^{-kappa d} for the seconds of both sides."""
    survives = evidence.survives
    for depth, seconds in ((seen.bid_depth, seen.bid_s), (seen.ask_depth, seen.ask_s)):
        coarse = seconds * jnp.exp(-depth * (prior.low + prior.step * _FINE * jnp.arange(_COARSE)).astype(depth.dtype))
        fine = jnp.exp(-depth * (prior.step * jnp.arange(_FINE)).astype(depth.dtype))
        survives = survives + (coarse[:, None] * fine[None, :]).reshape(NODES)
    fills = evidence.fills + seen.bid_fill + seen.ask_fill
    travelled = evidence.travelled + seen.bid_fill * seen.bid_depth + seen.ask_fill * seen.ask_depth
    return Evidence(fills, travelled, survives, evidence.A)


class Posterior(NamedTuple):
    """Points of kappa, 1/bp, their probabilities, and E[A | kappa], 1/s: arrays of shape (points,)."""

    kappa: Array
    weight: Array
    A: Array

    def mean(self) -> tuple[Array, Array]:
        """Return E[A] and E[kappa]."""
        return jnp.sum(self.weight * self.A), jnp.sum(self.weight * self.kappa)


def posterior(evidence: Evidence, prior: Prior, known_A: bool = False) -> Posterior:
    """Return the posterior on a window that follows its mass.

    Parameters
    ----------
    evidence : Evidence
        Of one replication.
    prior : Prior
        Of A and kappa.
    known_A : bool
        Whether A is the number that the evidence holds.
    """
    table = log_table(evidence, prior, known_A)

    def at(kappa: Array) -> tuple[Array, Array]:
        log_s = interpolate(table, kappa, prior)
        height = (prior.kappa_shape - 1.0) * jnp.log(kappa) - kappa * (
            prior.kappa_shape / prior.kappa_mean + evidence.travelled
        )
        if known_A:
            return height - evidence.A * jnp.exp(log_s), jnp.full_like(kappa, 1.0) * evidence.A
        total = prior.A_shape + evidence.fills
        return height - total * log_s, total * jnp.exp(-log_s)

    kappa = jnp.asarray(prior.nodes(), table.dtype)
    for _ in range(2):
        weight = jax.nn.softmax(at(kappa)[0])
        kappa = window(kappa, weight, prior)
    height, rate = at(kappa)
    return Posterior(kappa, jax.nn.softmax(height), rate)


def log_table(evidence: Evidence, prior: Prior, known_A: bool) -> Array:
    """Return ln(r + S) at the nodes, ln S if A is known: shape (NODES,)."""
    return jnp.log(evidence.survives + (_NOTHING if known_A else prior.A_rate_s))


def window(kappa: Array, weight: Array, prior: Prior) -> Array:
    """Return points around the mass of a distribution on equidistant points, within the nodes.

    Parameters
    ----------
    kappa, weight : array, shape (points,)
        Where, and how much.
    prior : Prior
        Of the nodes.
    """
    mean = jnp.sum(weight * kappa)
    sd = jnp.sqrt(jnp.sum(weight * (kappa - mean) ** 2))
    half = _REACH * jnp.maximum(sd, 0.5 * (kappa[1] - kappa[0]))
    high = prior.low + prior.step * (NODES - 1)
    first, last = jnp.maximum(mean - half, prior.low), jnp.minimum(mean + half, high)
    return first + (last - first) * jnp.linspace(0.0, 1.0, _POINTS, dtype=kappa.dtype)


def interpolate(table: Array, kappa: Array, prior: Prior) -> Array:
    """Return values between nodes by the cubic through the four nearest.

    Parameters
    ----------
    table : array, shape (NODES,)
        Values at the nodes.
    kappa : array, shape (points,)
        Where, within the nodes.
    prior : Prior
        Of the nodes.
    """
    x = (kappa - prior.low) / prior.step
    at = jnp.clip(jnp.floor(x), 1, NODES - 3).astype(jnp.int32)
    x = x - at
    a, b, c, d = (table[at + i] for i in (-1, 0, 1, 2))
    # Lagrange's form: each node's term vanishes at the three others.
    inner = b * (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0 - c * (x + 1.0) * x * (x - 2.0) / 2.0
    return inner - a * x * (x - 1.0) * (x - 2.0) / 6.0 + d * (x + 1.0) * x * (x - 1.0) / 6.0
