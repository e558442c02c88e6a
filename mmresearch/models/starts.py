"""Where NumPyro's chains of a posterior with several modes begin: about the highest of several optima.

Hidden regimes have modes that lie thousands of nats apart (a regime told by spreads, or by returns alone), and near the
right one the scales of the parameters differ ten-thousandfold. A chain that starts at a prior median may stay with a
wrong mode, or spend its tuning on trees of a thousand steps.

    z* = argmin U(z) over several random starts (BFGS),   Sigma = H(z*)^{-1},   chains start at z* + N(0, Sigma)

U is minus the log posterior on unconstrained space, and the diagonal of Sigma the first metric, which tuning then
adapts. That the chosen mode is the right one is not shown by R-hat of these chains: the other backend starts every
chain by itself.
Sources: Nocedal and Wright 2006, chapter 6; Betancourt 2017, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray
from numpyro.infer import init_to_uniform
from numpyro.infer.util import initialize_model
from scipy.optimize import OptimizeResult, minimize

FloatArray = NDArray[np.float64]
#: Random starts of the search, and how often each search is taken up again where it stopped.
TRIES, ROUNDS = 6, 4
#: Curvature below which a direction is taken to be as wide as this, in unconstrained space.
LEAST_CURVATURE = 0.05
#: Steps of the difference quotients, in units of what the search takes for the sd of a direction.
_STEP = 1e-4


@dataclass(frozen=True)
class Start:
    """Where chains begin, and with which metric.

    Attributes
    ----------
    positions : mapping of str to jax.Array
        Unconstrained values by variable, the first axis over chains.
    metric : mapping
        Diagonal of the inverse mass matrix of all variables together, keyed by their names, as NumPyro's NUTS takes it.
    """

    positions: dict[str, Any]
    metric: dict[tuple[str, ...], FloatArray]


def start_of(model: Callable[[], None], chains: int, seed: int, tries: int = TRIES) -> Start:
    """Find where the chains of a model begin.

    Parameters
    ----------
    model : callable
        A NumPyro model without arguments.
    chains : int
        How many begin.
    seed : int
        Of the random starts and of the scatter about the optimum.
    tries : int
        Random starts of the search.

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If no search ends at a finite density.
    """
    infos = [
        initialize_model(key, model, init_strategy=init_to_uniform)
        for key in jax.random.split(jax.random.PRNGKey(seed), tries)
    ]
    unravel = ravel_pytree(infos[0].param_info.z)[1]
    density = _with_gradient(lambda z: infos[0].potential_fn(unravel(z)))
    found = [_lowest(density, np.asarray(ravel_pytree(info.param_info.z)[0])) for info in infos]
    best = min(found, key=lambda r: r.fun)
    if not best.fun < _WALL:
        raise ValueError(f"none of {tries} searches found a finite density; is the model proper for these data?")
    covariance = _covariance(density, best)
    noise = np.random.default_rng(seed).standard_normal((chains, best.x.size))
    at = best.x + noise @ np.linalg.cholesky(covariance).T
    return Start(jax.vmap(unravel)(jnp.asarray(at)), {tuple(sorted(infos[0].param_info.z)): np.diag(covariance)})


#: Stands for an infinite density, where the search is to turn back.
_WALL = 1e300
Density = Callable[[FloatArray], tuple[float, FloatArray]]


def _with_gradient(potential: Callable[[Any], Any]) -> Density:
    compiled = jax.jit(jax.value_and_grad(potential))

    def density(z: FloatArray) -> tuple[float, FloatArray]:
        value, slope = compiled(z)
        value, slope = float(value), np.asarray(slope, dtype=float)
        finite = np.isfinite(value) and np.isfinite(slope).all()
        return (value, slope) if finite else (_WALL, np.zeros_like(slope))

    return density


def _lowest(density: Density, z: FloatArray) -> OptimizeResult:
    """Search until a new round gains nothing: rounding often ends one early."""
    found = minimize(density, z, jac=True, method="BFGS")
    for _ in range(ROUNDS - 1):
        again = minimize(density, found.x, jac=True, method="BFGS")
        gained, found = found.fun - again.fun, again
        if gained < 0.01:
            break
    return found


def _covariance(density: Density, at: OptimizeResult) -> FloatArray:
    """Inverse of the curvature, which no direction has less of than `LEAST_CURVATURE`."""
    step = _STEP * np.clip(np.sqrt(np.diag(at.hess_inv)), 1e-4, 1.0)
    ways = np.diag(step)
    curvature = np.array([density(at.x + way)[1] - density(at.x - way)[1] for way in ways]) / (2 * step[:, None])
    size, axes = np.linalg.eigh((curvature + curvature.T) / 2)
    return (axes / np.maximum(size, LEAST_CURVATURE)) @ axes.T
