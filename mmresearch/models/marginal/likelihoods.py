"""Likelihoods of one effect x per asset: what a marginal fit integrates over.

    binomial   k ~ Binomial(n, phi + p (1 - phi)),  x = logit p          p, a probability
    poisson    k ~ Poisson(lambda E),               x = ln lambda        lambda, per unit of E
    scale      ss/s^2 ~ chi^2 with n dof,           x = ln s             s, the unit of the values
    normal     y ~ N(x, se)                                              x, the unit of y

Constants that do not depend on x are kept, so that log evidences of models of the same data may be compared. The
information is Fisher's expected one: never below zero, so that scoring climbs from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array, nn
from jax.scipy.special import gammaln
from jax.scipy.stats import norm


@dataclass(frozen=True)
class Likelihood:
    """Log likelihood of an effect, its slope, its information, a start, and the value that is reported.

    Attributes
    ----------
    data : tuple of str
        Names of the data, in the order of the functions' arguments after x.
    log_density, slope, information : callable
        Of (x, *data), elementwise.
    estimate : callable
        Of the data: an x near the likelihood's mode, finite whatever they are.
    value : callable
        Of x: what is reported.
    """

    data: tuple[str, ...]
    log_density: Callable[..., Array]
    slope: Callable[..., Array]
    information: Callable[..., Array]
    estimate: Callable[..., Array]
    value: Callable[[Array], Array]


def _chances(x: Array, phi: Array) -> tuple[Array, Array, Array]:
    """Return ln theta, ln(1 - theta) and d theta/dx of theta = phi + p (1 - phi)."""
    p = nn.sigmoid(x)
    return jnp.log(phi + p * (1 - phi)), jnp.log1p(-phi) + nn.log_sigmoid(-x), (1 - phi) * p * nn.sigmoid(-x)


def _binomial(x: Array, k: Array, n: Array, phi: Array) -> Array:
    yes, no, _ = _chances(x, phi)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * yes + (n - k) * no


def _binomial_slope(x: Array, k: Array, n: Array, phi: Array) -> Array:
    yes, no, moved = _chances(x, phi)
    return moved * (k * jnp.exp(-yes) - (n - k) * jnp.exp(-no))


def _binomial_information(x: Array, k: Array, n: Array, phi: Array) -> Array:
    yes, no, moved = _chances(x, phi)
    return n * moved**2 * jnp.exp(-yes - no)


def _binomial_estimate(k: Array, n: Array, phi: Array) -> Array:
    share = jnp.clip(((k + 0.5) / (n + 1.0) - phi) / (1 - phi), 0.5 / (n + 1.0), 1 - 0.5 / (n + 1.0))
    return jnp.log(share) - jnp.log1p(-share)


def _poisson(x: Array, k: Array, exposure: Array) -> Array:
    seen = jnp.where(exposure > 0, jnp.log(jnp.where(exposure > 0, exposure, 1.0)), 0.0)
    return k * (x + seen) - exposure * jnp.exp(x) - gammaln(k + 1)


def _scale(x: Array, n: Array, ss: Array) -> Array:
    return -n * x - 0.5 * ss * jnp.exp(-2 * x) - 0.5 * n * jnp.log(2 * jnp.pi)


def _normal(x: Array, y: Array, se: Array) -> Array:
    return norm.logpdf(y, x, se)


LIKELIHOODS: Mapping[str, Likelihood] = {
    "binomial": Likelihood(
        ("k", "n", "false_positive"),
        _binomial,
        _binomial_slope,
        _binomial_information,
        _binomial_estimate,
        nn.sigmoid,
    ),
    "poisson": Likelihood(
        ("k", "exposure"),
        _poisson,
        lambda x, k, exposure: k - exposure * jnp.exp(x),
        lambda x, k, exposure: exposure * jnp.exp(x),
        lambda k, exposure: jnp.log((k + 0.5) / jnp.where(exposure > 0, exposure, 1.0)),
        jnp.exp,
    ),
    "scale": Likelihood(
        ("n", "ss"),
        _scale,
        lambda x, n, ss: ss * jnp.exp(-2 * x) - n,
        lambda x, n, ss: 2 * n + 0.0 * x,
        lambda n, ss: 0.5 * jnp.log(jnp.where(n > 0, ss, 1.0) / jnp.where(n > 0, n, 1.0)),
        jnp.exp,
    ),
    "normal": Likelihood(
        ("y", "se"),
        _normal,
        lambda x, y, se: (y - x) / se**2,
        lambda x, y, se: jnp.broadcast_to(1 / se**2, jnp.broadcast_shapes(x.shape, se.shape)),
        lambda y, se: y,
        lambda x: x,
    ),
}
