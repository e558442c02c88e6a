"""The value function behind the exact quotes: v(t) = e^{-M (T - t)} v(T), and its limit far from the horizon.

With q = D j in lots,

    M_jj = k gamma sigma^2 q^2/(2 D) - k mu q/D,   M_jj' = -eta beside the diagonal,   v_j(T) = e^{-k impact j^2/2},

the maker's certainty equivalent with inventory q is x + q s + (D/k) ln v_j + impact q^2/(2 D), where xi = gamma. Far
from the horizon v tends to the eigenvector of the lowest eigenvalue of M, and the certainty equivalent grows by -(D/k)
times that eigenvalue a second. Sources: Gueant, Lehalle and Fernandez-Tapia (2013); Gueant (2017) for lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmresearch.quote.glft import dense
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.namespace import Array, namespace
from mmresearch.quote.glft.tridiagonal import leading, propagate


@dataclass(frozen=True)
class Value:
    """The vector v, which quotes are ratios of.

    Attributes
    ----------
    v : array, shape (..., 2 Q + 1)
        By inventory from -Q to Q lots, over its largest entry.
    log_scale : array, shape (...)
        Logarithm of what it was divided by.
    """

    v: Array
    log_scale: Array


def exact_value(model: Model, time_left: Array = None) -> Value:
    """Return v at a time before the horizon.

    Parameters
    ----------
    model : Model
        Parameters.
    time_left : array_like, optional
        T - t, s; broadcasts with the parameters. Default T.
    """
    tau = model.T if time_left is None else time_left
    shape = np.broadcast_shapes(model.shape, np.shape(tau))
    xp = namespace(model.xp.asarray(model.k), tau) if model.xp is np else model.xp
    diagonal, coupling, start = _matrix(model, xp, shape)
    tau = xp.broadcast_to(xp.asarray(tau, dtype=float), shape)
    if xp is not np:
        return Value(*dense.propagated(xp, diagonal, coupling, start, tau))
    rows, n = tau.size, diagonal.shape[-1]
    flat = np.concatenate([diagonal.reshape(rows, n), coupling.reshape(rows, 1), start.reshape(rows, n)], axis=1)
    v, scale = _in_turns(flat, tau.ravel(), n)
    return Value(v.reshape(*shape, n), scale.reshape(shape))


def asymptotic_value(model: Model) -> Value:
    """Return the limit of v; its `log_scale` is minus the lowest eigenvalue, 1/s: growth of ln v per second."""
    xp, shape = model.xp, model.shape
    diagonal, coupling, _ = _matrix(model, xp, shape)
    if xp is not np:
        v = dense.leading_vector(xp, diagonal, coupling)
        middle = xp.argmax(v, axis=-1, keepdims=True)
        near = xp.pad(v, [(0, 0)] * len(shape) + [(1, 1)])
        grown = diagonal * v + coupling[..., None] * (near[..., 2:] + near[..., :-2])
        return Value(v, (xp.take_along_axis(grown, middle, -1) / xp.take_along_axis(v, middle, -1))[..., 0])
    n = diagonal.shape[-1]
    diagonal = diagonal.reshape(-1, n)
    v, value = leading(diagonal, *_beside(coupling.reshape(-1, 1), n))
    return Value(v.reshape(*shape, n), value.reshape(shape))


def certainty_equivalent(model: Model) -> Array:
    """Certainty equivalent at the start of the exact quotes from no inventory, price x size, if xi = gamma.

    It is what -(1/gamma) ln E[e^{-gamma PnL}] of the best policy is, and bounds that of any other.
    """
    found = exact_value(model)
    return (model.xp.log(found.v[..., model.Q]) + found.log_scale) * model.lot / model.k


def certainty_equivalent_rate(model: Model) -> Array:
    """Certainty equivalent that the best policy gains per second in the long run, price x size/s, if xi = gamma."""
    return asymptotic_value(model).log_scale * model.lot / model.k


def _matrix(model: Model, xp: Any, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return the diagonal of -M, its coupling and the final v, broadcast to a shape."""

    def wide(x: Array) -> Array:
        return xp.broadcast_to(xp.asarray(x, dtype=float), shape)[..., None]

    j = xp.asarray(model.lots(), dtype=float)
    q = wide(model.lot) * j
    running = model.gamma * model.sigma**2 / 2.0
    diagonal = wide(model.k) / wide(model.lot) * (wide(model.mu) * q - wide(running) * q**2)
    start = xp.exp(-wide(model.k) * wide(model.impact) * j**2 / 2.0)
    return diagonal, wide(model.eta)[..., 0], start


def _in_turns(rows: np.ndarray, tau: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Propagate rows of (diagonal, coupling, start), those of equal parameters one after the other in time."""
    order = np.lexsort(np.vstack([tau, rows[:, n], rows[:, 0], rows[:, n - 1]])) if len(tau) > 1 else np.array([0])
    rows, tau = rows[order], tau[order]
    fresh = np.r_[True, np.any(rows[1:] != rows[:-1], axis=1)]
    since = np.where(fresh, tau, np.diff(tau, prepend=0.0))
    diagonal, start = np.ascontiguousarray(rows[:, :n]), np.ascontiguousarray(rows[:, n + 1 :])
    v, scale = propagate(diagonal, *_beside(rows[:, n : n + 1], n), start, since, fresh)
    back = np.argsort(order)
    return v[back], scale[back]


def _beside(coupling: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = np.repeat(coupling, n, axis=1), np.repeat(coupling, n, axis=1)
    lower[:, 0] = upper[:, -1] = 0.0
    return lower, upper
