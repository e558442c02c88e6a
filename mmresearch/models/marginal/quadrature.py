"""Posteriors of a hierarchy by quadrature, many fits at a time.

    x_i ~ N(m, tau),   m ~ N(m0, s0),   ln tau ~ N(ln t0, s_t),   p(data_i | x_i) a `Likelihood`

    g_i(m, tau) = integral of p(data_i | x) N(x | m, tau) dx,   p(m, tau | data) ~ p(m) p(tau) prod_i g_i(m, tau)

Every integral is a trapezoid rule in u, x = x* + s sinh(c u)/c: around the mode with the width of the curvature there,
and with tails wide enough for skewed ones. A trapezoid rule of a smooth integrand that vanishes at both ends converges
faster than any power of the spacing (Trefethen and Weideman 2014). Shapes: F fits, N assets, T and M nodes of ln tau
and of m, K nodes of x.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.stats import norm
from numpy.typing import NDArray

from mmresearch.models.marginal.likelihoods import LIKELIHOODS, Likelihood

#: Nodes and half-range in u of ln tau, of m given tau and of x given both; and how fast their spacing widens.
TAU_NODES, M_NODES, X_NODES = 13, 11, 21
TAU_REACH, M_REACH, X_REACH = 4.5, 4.5, 5.2
WIDENING = 0.3
#: Steps to a mode; rounds of m given tau; points and rounds of the search for the mode of ln tau.
_SCORING, _ROUNDS, _GRID, _ZOOMS = 6, 5, 9, 3
#: ln tau is sought within this many of its prior's sds.
_WITHIN = 5.0


Numbers = Array | NDArray[np.float64]


class Population(NamedTuple):
    """Hyperpriors: mean and sd of m; log median and log sd of tau."""

    m_mean: float
    m_sd: float
    tau_log_median: float
    tau_log_sd: float


class Marginals(NamedTuple):
    """Posterior of some fits.

    Attributes
    ----------
    log_evidence : array, shape (F,)
        ln p(data).
    m_mean, m_sd, log_tau_mean, log_tau_sd : array, shape (F,)
        Of the population.
    effect_mean, effect_sd, mean, sd : array, shape (F, N)
        Of x, and of the value that is reported. A value e^x of an asset without data has no finite mean under a
        log-normal tau: there the numbers only say that they are large, and quantiles are what to read.
    """

    log_evidence: Numbers
    m_mean: Numbers
    m_sd: Numbers
    log_tau_mean: Numbers
    log_tau_sd: Numbers
    effect_mean: Numbers
    effect_sd: Numbers
    mean: Numbers
    sd: Numbers


class Hyper(NamedTuple):
    """Nodes of the population and their posterior weights; each of shape (F, T, M), weights sum to one a fit."""

    m: Array
    log_tau: Array
    weight: Array
    log_evidence: Array


def nodes(count: int, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Abscissae in units of the width, and log weights, of the trapezoid rule in u.

    Parameters
    ----------
    count : int
        How many.
    reach : float
        Half the range of u.
    """
    u = np.linspace(-reach, reach, count)
    return np.sinh(WIDENING * u) / WIDENING, np.log(np.cosh(WIDENING * u) * (u[1] - u[0]))


def _climb(law: Likelihood, data: tuple[Array, ...], m: Array, tau: Array, x: Array, steps: int) -> Array:
    """Fisher scoring towards the mode of p(data | x) N(x | m, tau), from x."""

    def step(_: int, x: Array) -> Array:
        slope = law.slope(x, *data) - (x - m) / tau**2
        return x + jnp.clip(slope / (law.information(x, *data) + 1 / tau**2), -2.0, 2.0)

    return lax.fori_loop(0, steps, step, x)


def _start(law: Likelihood, data: tuple[Array, ...], m: Array, tau: Array) -> Array:
    """An x between what the data say and what the population says, by their weights."""
    near = law.estimate(*data)
    known = law.information(near, *data)
    return (known * near + m / tau**2) / (known + 1 / tau**2)


def _given_tau(law: Likelihood, data: tuple[Array, ...], p: Population, log_tau: Array) -> tuple[Array, Array, Array]:
    """Mean and sd of m given tau, and the profile of ln tau, with Normals that touch the likelihoods; shape (F, T)."""
    wide, tau = tuple(d[:, None, :] for d in data), jnp.exp(log_tau)[..., None]

    def better(_: int, now: tuple[Array, ...]) -> tuple[Array, ...]:
        m, x = now[:2]
        x = _climb(law, wide, m[..., None], tau, x, 2)
        known = jnp.maximum(law.information(x, *wide), 1e-12)
        y, variance = x + law.slope(x, *wide) / known, tau**2 + 1 / known
        precision = (1 / variance).sum(axis=-1) + 1 / p.m_sd**2
        mean = ((y / variance).sum(axis=-1) + p.m_mean / p.m_sd**2) / precision
        height = law.log_density(x, *wide) + 0.5 * known * (x - y) ** 2 + 0.5 * jnp.log(2 * jnp.pi / known)
        profile = (height + norm.logpdf(y, mean[..., None], jnp.sqrt(variance))).sum(axis=-1)
        profile += norm.logpdf(mean, p.m_mean, p.m_sd) - 0.5 * jnp.log(precision)
        return mean, x, 1 / jnp.sqrt(precision), profile

    m = jnp.full(log_tau.shape, p.m_mean)
    zero = jnp.zeros_like(m)
    start = m, _start(law, wide, m[..., None], tau), zero, zero
    mean, _, sd, profile = lax.fori_loop(0, _ROUNDS, better, start)
    return mean, sd, profile + norm.logpdf(log_tau, p.tau_log_median, p.tau_log_sd)


def _tau_peak(law: Likelihood, data: tuple[Array, ...], p: Population) -> tuple[Array, Array]:
    """Mode and width of ln tau: a grid of its profile that is drawn closer around its highest point; shape (F,)."""
    fits = data[0].shape[0]

    def closer(_: int, now: tuple[Array, Array]) -> tuple[Array, Array]:
        centre, reach = now
        at = centre[:, None] + reach * jnp.linspace(-1.0, 1.0, _GRID)
        best = jnp.argmax(_given_tau(law, data, p, at)[2], axis=1)
        return jnp.take_along_axis(at, best[:, None], axis=1)[:, 0], 2 * reach / (_GRID - 1)

    start = jnp.full(fits, p.tau_log_median), jnp.asarray(_WITHIN * p.tau_log_sd)
    peak, _ = lax.fori_loop(0, _ZOOMS, closer, start)
    h = 0.1 * p.tau_log_sd
    around = _given_tau(law, data, p, peak[:, None] + h * jnp.array([-1.0, 0.0, 1.0]))[2]
    # never wider than the prior: a bend that is no bend says that the data are silent
    return peak, 1 / jnp.sqrt(jnp.maximum(around @ jnp.array([-1.0, 2.0, -1.0]) / h**2, 1 / p.tau_log_sd**2))


def _hyper_nodes(law: Likelihood, data: tuple[Array, ...], p: Population) -> tuple[Array, Array, Array]:
    """Nodes m and ln tau, and log weights of the rule; each of shape (F, T, M)."""
    (t, log_wt), (z, log_wz) = nodes(TAU_NODES, TAU_REACH), nodes(M_NODES, M_REACH)
    peak, width = _tau_peak(law, data, p)
    log_tau = peak[:, None] + width[:, None] * t
    mean, sd, _ = _given_tau(law, data, p, log_tau)
    m = mean[..., None] + sd[..., None] * z
    log_w = log_wt[:, None] + log_wz + jnp.log(width)[:, None, None] + jnp.log(sd)[..., None]
    return m, jnp.broadcast_to(log_tau[..., None], m.shape), log_w


def _inner(law: Likelihood, data: tuple[Array, ...], m: Array, log_tau: Array) -> tuple[Array, Array]:
    """Return ln g_i, and the four moments of x and value given (m, tau); shapes (F, T, M, N) and (4, F, T, M, N)."""
    wide = tuple(d[:, None, None, :] for d in data)
    m, tau = m[..., None], jnp.exp(log_tau)[..., None]
    centre = _climb(law, wide, m, tau, _start(law, wide, m, tau), _SCORING)
    s = 1 / jnp.sqrt(law.information(centre, *wide) + 1 / tau**2)
    u, log_w = nodes(X_NODES, X_REACH)

    def height(x: Array) -> Array:
        return law.log_density(x, *wide) - 0.5 * ((x - m) / tau) ** 2

    top = height(centre)

    def add(k: int, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        x = centre + s * jnp.asarray(u)[k]
        w = jnp.exp(height(x) - top + jnp.asarray(log_w)[k])
        v = law.value(x)
        v = jnp.where(w > 0, v, 0.0)
        terms = (w, w * (x - centre), w * (x - centre) ** 2, w * v, w * v**2)
        return tuple(a + b for a, b in zip(sums, terms, strict=True))

    zero = jnp.zeros_like(top)
    total, x1, x2, v1, v2 = lax.fori_loop(0, X_NODES, add, (zero,) * 5)
    first = centre + x1 / total
    second = x2 / total + 2 * centre * x1 / total + centre**2
    log_g = top + jnp.log(total) + jnp.log(s / tau) - 0.5 * jnp.log(2 * jnp.pi)
    return log_g, jnp.stack([first, second, v1 / total, v2 / total])


def _weights(m: Array, log_tau: Array, log_w: Array, log_g: Array, p: Population) -> Hyper:
    log_prior = norm.logpdf(m, p.m_mean, p.m_sd) + norm.logpdf(log_tau, p.tau_log_median, p.tau_log_sd)
    log_joint = log_w + log_prior + log_g.sum(axis=-1)
    top = log_joint.max(axis=(1, 2), keepdims=True)
    weight = jnp.exp(log_joint - top)
    total = weight.sum(axis=(1, 2), keepdims=True)
    return Hyper(m, log_tau, weight / total, (top + jnp.log(total))[:, 0, 0])


@partial(jax.jit, static_argnames=("name", "p"))
def marginals(name: str, data: tuple[Array, ...], p: Population) -> Marginals:
    """Posteriors of some fits at once.

    Parameters
    ----------
    name : str
        One of `LIKELIHOODS`.
    data : tuple of Array, shape (F, N)
        In the order of the likelihood's names.
    p : Population
        Hyperpriors.
    """
    law = LIKELIHOODS[name]
    m, log_tau, log_w = _hyper_nodes(law, data, p)
    log_g, moments = _inner(law, data, m, log_tau)
    hyper = _weights(m, log_tau, log_w, log_g, p)

    def moment(values: Array) -> Array:
        return (hyper.weight * values).sum(axis=(1, 2))

    def centred(values: Array, mean: Array) -> Array:
        return jnp.sqrt(moment((values - mean[:, None, None]) ** 2))

    m_mean, log_tau_mean = moment(m), moment(log_tau)
    x1, x2, v1, v2 = (hyper.weight[None, ..., None] * moments).sum(axis=(2, 3))
    return Marginals(
        hyper.log_evidence, m_mean, centred(m, m_mean), log_tau_mean, centred(log_tau, log_tau_mean),
        x1, _sd(x1, x2), v1, _sd(v1, v2),
    )  # fmt: skip


def _sd(first: Array, second: Array) -> Array:
    return jnp.sqrt(jnp.maximum(second - first**2, 0.0))


@partial(jax.jit, static_argnames=("name", "p"))
def effect_density(name: str, data: tuple[Array, ...], p: Population, x: Array) -> Array:
    """Posterior density of each effect at some points.

    Parameters
    ----------
    name : str
        One of `LIKELIHOODS`.
    data : tuple of Array, shape (F, N)
        In the order of the likelihood's names.
    p : Population
        Hyperpriors.
    x : Array, shape (F, N, P)
        Points.

    Returns
    -------
    Array, shape (F, N, P)
    """
    law = LIKELIHOODS[name]
    m, log_tau, log_w = _hyper_nodes(law, data, p)
    log_g, _ = _inner(law, data, m, log_tau)
    weight = _weights(m, log_tau, log_w, log_g, p).weight
    like = law.log_density(x, *(d[..., None] for d in data))
    flat: dict[str, Any] = {"m": m, "log_tau": log_tau, "weight": weight}
    flat = {k: v.reshape(v.shape[0], -1) for k, v in flat.items()}
    log_g = log_g.reshape(log_g.shape[0], -1, log_g.shape[-1])

    def add(h: int, total: Array) -> Array:
        at = {k: v[:, h, None, None] for k, v in flat.items()}
        prior = norm.logpdf(x, at["m"], jnp.exp(at["log_tau"]))
        return total + at["weight"] * jnp.exp(like + prior - log_g[:, h, :, None])

    return lax.fori_loop(0, flat["m"].shape[1], add, jnp.zeros_like(x))
