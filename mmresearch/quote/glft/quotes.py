"""Quotes of the model by five methods, under one signature.

| method | depth of the bid at inventory q | exact when |
|---|---|---|
| exact | base + (1/k) ln(v_j/v_{j+1}) at time t | always |
| asymptotic | the same with the leading eigenvector | far from the horizon |
| closed | base + (D + 2 q) c/2 - mu c/(gamma sigma^2) | approximates the asymptotic one at small q |
| as2008 | base + gamma sigma^2 (T - t) (D + 2 q)/2 - mu (T - t) | if no further fill were to come |
| symmetric | base + D c/2, whatever q | - |

The ask is the bid of the mirrored market: q and mu change sign. At the largest inventory the bid is infinite: none.
`as2008` is the reservation price and spread of Avellaneda and Stoikov (2008), not the optimum of their problem.
Arrays of NumPy give NumPy, those of JAX give JAX, and gradients pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.namespace import Array, is_concrete, namespace
from mmresearch.quote.glft.value import asymptotic_value, exact_value

Method = Literal["exact", "asymptotic", "closed", "as2008", "symmetric"]


@dataclass(frozen=True)
class Quotes:
    """Two depths from the mid.

    Attributes
    ----------
    bid, ask : array
        Depths, price; infinite where that side is not quoted.
    """

    bid: Array
    ask: Array


def quotes(model: Model, q: Array, method: Method = "exact", time_left: Array = None) -> Quotes:
    """Return the depths at which to quote.

    Parameters
    ----------
    model : Model
        Parameters; numbers or arrays.
    q : array_like
        Inventory, in units of size: whole lots. Broadcasts with the parameters and with `time_left`, so that draws of
        shape (S, 1) and inventories of shape (n,) give quotes of shape (S, n).
    method : {"exact", "asymptotic", "closed", "as2008", "symmetric"}
        How.
    time_left : array_like, optional
        T - t, s; default T. Matters to the exact quotes and to those of 2008 only.

    Raises
    ------
    ValueError
        If the method is unknown, an inventory is not in whole lots within -Q .. Q, or the closed form has a drift but
        no risk.
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, got {method!r}")
    xp = namespace(model.xp.asarray(model.k), q, model.T if time_left is None else time_left)
    j = xp.asarray(q, dtype=float) / model.lot
    if is_concrete(j):
        _require_lots(np.asarray(j), model.Q)
    j = xp.round(j)
    bid, ask = _METHODS[method](model, xp, j, model.T if time_left is None else time_left)
    shape = np.broadcast_shapes(np.shape(bid), np.shape(j))
    return Quotes(
        xp.where(xp.broadcast_to(j, shape) < model.Q, bid, xp.inf)[()],
        xp.where(xp.broadcast_to(j, shape) > -model.Q, ask, xp.inf)[()],
    )


def table(model: Model, method: Method = "exact", time_left: Array = None) -> Quotes:
    """Return the quotes at every inventory from -Q to Q lots, on a last axis of length 2 Q + 1.

    Parameters
    ----------
    model : Model
        Parameters; numbers or arrays.
    method : {"exact", "asymptotic", "closed", "as2008", "symmetric"}
        How.
    time_left : array_like, optional
        T - t, s; default T; broadcasts with the parameters.
    """
    xp = model.xp
    wide = {
        name: xp.asarray(value)[..., None] if np.ndim(value) else value
        for name, value in ((f, getattr(model, f)) for f in model.__dataclass_fields__ if f != "Q")
    }
    tau = time_left if time_left is None or not np.ndim(time_left) else xp.asarray(time_left)[..., None]
    each = Model(**wide, Q=model.Q)
    return quotes(each, each.lot * model.lots(), method, tau)


def _exact(model: Model, xp: Any, j: Array, time_left: Array) -> tuple[Array, Array]:
    return _ratios(model, xp, j, exact_value(model, time_left).v)


def _asymptotic(model: Model, xp: Any, j: Array, _: Array) -> tuple[Array, Array]:
    return _ratios(model, xp, j, asymptotic_value(model).v)


def _ratios(model: Model, xp: Any, j: Array, v: Array) -> tuple[Array, Array]:
    """Quotes from the logarithm of v at three neighbouring inventories."""
    log_v = xp.log(v)
    shape = np.broadcast_shapes(np.shape(j), log_v.shape[:-1])
    log_v = xp.broadcast_to(log_v, (*shape, log_v.shape[-1]))
    at = xp.broadcast_to(j, shape).astype(int) + model.Q

    def near(step: int) -> Array:
        index = xp.clip(at + step, 0, 2 * model.Q)[..., None]
        return xp.take_along_axis(log_v, index, axis=-1)[..., 0]

    return model.base + (near(0) - near(1)) / model.k, model.base + (near(0) - near(-1)) / model.k


def _closed(model: Model, xp: Any, j: Array, _: Array) -> tuple[Array, Array]:
    return model.base + model.c * _lean(model, j, 1) - _lead(model, xp), (
        model.base + model.c * _lean(model, j, -1) + _lead(model, xp)
    )


def _lead(model: Model, xp: Any) -> Array:
    """Shift of the closed form by the drift, mu c/(gamma sigma^2), price."""
    if is_concrete(model.mu) and not np.any(model.mu):
        return 0.0
    risk = model.gamma * model.sigma**2
    if is_concrete(risk) and np.any((np.asarray(risk) == 0) & (np.asarray(model.mu) != 0)):
        raise ValueError("the closed form with a drift needs gamma and sigma above 0")
    return model.mu * model.c / risk


def _as2008(model: Model, xp: Any, j: Array, time_left: Array) -> tuple[Array, Array]:
    if is_concrete(model.impact) and np.any(model.impact):
        raise ValueError("Avellaneda and Stoikov (2008) know no impact; set it to 0 or use another method")
    risk, drift = model.gamma * model.sigma**2 * time_left, model.mu * time_left
    return model.base + risk * _lean(model, j, 1) - drift, model.base + risk * _lean(model, j, -1) + drift


def _symmetric(model: Model, xp: Any, j: Array, _: Array) -> tuple[Array, Array]:
    depth = model.base + model.c * model.lot / 2.0 + 0.0 * j
    return depth, depth


def _lean(model: Model, j: Array, side: int) -> Array:
    """(D + 2 q)/2 for the bid, (D - 2 q)/2 for the ask: mean inventory before and after the fill, signed, in size."""
    return model.lot * (1.0 + 2.0 * side * j) / 2.0


def _require_lots(j: np.ndarray, Q: int) -> None:
    whole = np.isclose(j, np.round(j), rtol=1e-9, atol=1e-9) & (np.abs(j) < Q + 0.5)
    if not np.all(whole):
        raise ValueError(f"inventories must be whole lots from -{Q} to {Q}; not so for {np.count_nonzero(~whole)}")


_METHODS: Mapping[str, Callable[[Model, Any, Array, Array], tuple[Array, Array]]] = MappingProxyType(
    {"exact": _exact, "asymptotic": _asymptotic, "closed": _closed, "as2008": _as2008, "symmetric": _symmetric}
)
