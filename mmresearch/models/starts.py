"""Where chains of a posterior with several modes begin: about the highest of several optima, asset by asset.

Hidden regimes have modes that lie thousands of nats apart (a regime told by spreads, or by returns alone), each asset
its own, and near the right one the scales of the parameters differ ten-thousandfold. A chain that starts at a prior
median may stay with a wrong mode, or spend its tuning on trees of a thousand steps.

    z_j = argmin U(z) from random start j (BFGS)
    z*  = argmin U(z) from the best of them, into which the parts of single assets of the others were taken
          wherever that lowers U
    chains start at z* + N(0, Sigma),   Sigma = H(z*)^{-1}

U is minus the log posterior on unconstrained space, and the diagonal of Sigma the first metric where a sampler takes
one. Spreads between assets stay where they were drawn: a hierarchy has no highest density, it grows without bound as
its spread goes to zero with all effects alike. With a chance of 1/4 that a search ends with an asset in a wrong mode,
one of six is right for eight assets together once in two fits, and by parts in all but two of a thousand. That the mode
found is the right one is not shown by R-hat of these chains: the other backend searches by itself, with its own
density, gradient and random starts.
Sources: Nocedal and Wright 2006, chapter 6; Betancourt 2017, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
#: Minus the log posterior and its gradient; may be infinite, or fail to divide by zero.
Potential = Callable[[FloatArray], tuple[float, FloatArray]]
#: Random starts of a search, and how often each is taken up again where it stopped.
TRIES, ROUNDS = 6, 4
#: Curvature below which a direction is taken to be as wide as this, in unconstrained space.
LEAST_CURVATURE = 0.05
#: Steps of the difference quotients, in units of what the search takes for the sd of a direction.
_STEP = 1e-4
#: Stands for an infinite potential, where a search is to turn back.
_WALL = 1e300


@dataclass(frozen=True)
class Layout:
    """What lies where in a point of unconstrained space.

    Attributes
    ----------
    parts : tuple of ndarray
        Places that belong to each asset.
    spreads : ndarray
        Places of spreads between assets.
    """

    parts: tuple[IntArray, ...]
    spreads: IntArray


@dataclass(frozen=True)
class Start:
    """Where chains begin.

    Attributes
    ----------
    optimum : ndarray, shape (n,)
        The lowest potential that was found.
    covariance : ndarray, shape (n, n)
        Inverse of its curvature there.
    """

    optimum: FloatArray
    covariance: FloatArray

    def position(self, seed: int) -> FloatArray:
        """Draw about the optimum, as wide as the posterior is there."""
        noise = np.random.default_rng(seed).standard_normal(self.optimum.size)
        return np.asarray(self.optimum + np.linalg.cholesky(self.covariance) @ noise)


def start_of(potential: Potential, starts: Iterable[FloatArray], layout: Layout) -> Start:
    """Find where chains begin.

    Parameters
    ----------
    potential : callable
        Minus the log posterior, with its gradient.
    starts : iterable of ndarray, shape (n,)
        Random points, `TRIES` of them or more.
    layout : Layout
        What lies where in such a point.

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If no search ends at a finite density.
    """
    walled = _walled(potential)
    held = _held(walled, layout.spreads)
    found = sorted((_lowest(held, start) for start in starts), key=lambda result: float(result.fun))
    if not found[0].fun < _WALL:
        raise ValueError(f"none of {len(found)} searches found a finite density; is the model proper for these data?")
    best = _lowest(held, _recombined(walled, [result.x for result in found], layout.parts))
    return Start(np.asarray(best.x), _covariance(walled, best))


def layout_of(shapes: Mapping[str, tuple[int, ...]], assets: int) -> Layout:
    """Say what lies where in a point that holds variables of these shapes behind each other.

    Parameters
    ----------
    shapes : mapping of str to tuple
        In the order of the point. A variable whose first axis is as long as there are assets has a part of each; one
        that is called ``tau_...`` is a spread between them.
    assets : int
        How many assets.

    Returns
    -------
    Layout
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    places = dict(zip(shapes, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
    own = [places[name].reshape(assets, -1) for name, shape in shapes.items() if shape[:1] == (assets,)]
    parts = np.concatenate(own, axis=1) if own else np.zeros((assets, 0), dtype=int)
    spreads = [at for name, at in places.items() if name.startswith("tau_")]
    return Layout(tuple(parts), np.concatenate([np.zeros(0, dtype=int), *spreads]))


def _held(potential: Potential, places: IntArray) -> Potential:
    """Take these places for constants."""

    def held(z: FloatArray) -> tuple[float, FloatArray]:
        value, slope = potential(z)
        slope = slope.copy()
        slope[places] = 0.0
        return value, slope

    return held


def _walled(potential: Potential) -> Potential:
    def walled(z: FloatArray) -> tuple[float, FloatArray]:
        try:
            value, slope = potential(z)
        except ZeroDivisionError:  # a density of zero, as a compiled kernel says it
            return _WALL, np.zeros_like(z)
        finite = np.isfinite(value) and np.isfinite(slope).all()
        return (float(value), np.asarray(slope, dtype=float)) if finite else (_WALL, np.zeros_like(z))

    return walled


def _lowest(potential: Potential, z: FloatArray) -> OptimizeResult:
    """Search until a new round gains nothing: rounding often ends one early."""
    found = minimize(potential, z, jac=True, method="BFGS")
    for _ in range(ROUNDS - 1):
        again = minimize(potential, found.x, jac=True, method="BFGS")
        gained, found = found.fun - again.fun, again
        if gained < 0.01:
            break
    return found


def _recombined(potential: Potential, points: Sequence[FloatArray], parts: Sequence[IntArray]) -> FloatArray:
    """Take the part of an asset from another point wherever that lowers the potential of the first."""
    best, least = points[0].copy(), potential(points[0])[0]
    for part in parts:
        for other in points[1:]:
            mixed = best.copy()
            mixed[part] = other[part]
            value = potential(mixed)[0]
            if value < least:
                best, least = mixed, value
    return best


def _covariance(potential: Potential, at: OptimizeResult) -> FloatArray:
    """Inverse of the curvature, which no direction has less of than `LEAST_CURVATURE`."""
    step = _STEP * np.clip(np.sqrt(np.diag(at.hess_inv)), 1e-4, 1.0)
    ways = np.diag(step)
    curvature = np.array([potential(at.x + way)[1] - potential(at.x - way)[1] for way in ways]) / (2 * step[:, None])
    size, axes = np.linalg.eigh((curvature + curvature.T) / 2)
    return np.asarray((axes / np.maximum(size, LEAST_CURVATURE)) @ axes.T)
