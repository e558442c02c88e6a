"""Several correlated assets at once: the closed form, and the nonlinear equations that it approximates.

With Sigma the covariance of the mids per second and H_i''(0) = A_i D_i k_i C_i for exponential intensities,

    G = D^{-1/2} (D^{1/2} Sigma D^{1/2})^{1/2} D^{-1/2},   D = diag(H_i''(0)),
    bid, ask of asset i = base_i + sqrt(gamma/2) (G_ii (lot_i +/- 2 q_i)/2 +/- sum over j != i of G_ij q_j).

One asset gives the closed form of `mmresearch.quote.glft.quotes`. It is far from the horizon, and a second-order
approximation of H at 0 underlies it. With H_i(p) = (A_i D_i C_i/k_i) e^{-k_i p}, the value function theta(t, q) solves

    -theta' = -gamma q'Sigma q/2 + sum over i of H_i((theta(q) - theta(q + lot_i))/lot_i) + the same with q - lot_i,

on a grid of inventories: `exact_value_on_grid`, for a few assets. Source: Gueant (2017), section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import Quotes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Book:
    """Assets that are quoted together.

    Attributes
    ----------
    assets : sequence of Model
        One an asset, of numbers; gamma, xi and T must agree, drift and impact must be 0.
    correlation : ndarray, shape (d, d)
        Of the mids.

    Raises
    ------
    ValueError
        If the assets do not agree, or the matrix is no correlation matrix.
    """

    assets: Sequence[Model]
    correlation: Floats

    def __post_init__(self) -> None:
        """Refuse books that the equations are not about."""
        d, R = len(self.assets), np.asarray(self.correlation)
        if R.shape != (d, d) or not np.allclose(R, R.T) or not np.allclose(np.diag(R), 1.0):
            raise ValueError(f"{d} assets need a symmetric {d} x {d} matrix with ones on its diagonal")
        if np.linalg.eigvalsh(R).min() < -1e-12:
            raise ValueError("the correlation matrix has a negative eigenvalue")
        if len({(a.gamma, a.xi, a.T) for a in self.assets}) > 1 or any(a.mu or a.impact for a in self.assets):
            raise ValueError("assets share gamma, xi and T, and have neither drift nor impact")

    @property
    def covariance(self) -> Floats:
        """Sigma, price^2/s, shape (d, d)."""
        sigma = np.array([a.sigma for a in self.assets], dtype=float)
        return np.asarray(self.correlation) * np.outer(sigma, sigma)

    @property
    def gamma(self) -> float:
        """Risk aversion, 1/(price x size)."""
        return float(self.assets[0].gamma)

    @property
    def lots(self) -> Floats:
        """Sizes of a fill, shape (d,)."""
        return np.array([a.lot for a in self.assets], dtype=float)


def closed_form(book: Book, q: ArrayLike) -> Quotes:
    """Return the depths of each asset at an inventory vector.

    Parameters
    ----------
    book : Book
        The assets.
    q : array_like, shape (..., d)
        Inventories, size.

    Returns
    -------
    Quotes
        Depths, shape (..., d), price. No largest inventory: the form knows none.
    """
    held = np.asarray(q, dtype=float)
    root = np.sqrt([a.lot * a.k * a.eta for a in book.assets])
    values, vectors = np.linalg.eigh(root[:, None] * book.covariance * root)
    G = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T / np.outer(root, root)
    base = np.array([a.base for a in book.assets], dtype=float)
    lean, width = held @ G, np.diag(G) * book.lots / 2.0
    scale = np.sqrt(book.gamma / 2.0)
    return Quotes(base + scale * (width + lean), base + scale * (width - lean))


def exact_value_on_grid(book: Book) -> Floats:
    """Solve the nonlinear equations back from the horizon by an implicit method.

    Parameters
    ----------
    book : Book
        The assets; their Q bound the grid.

    Returns
    -------
    ndarray, shape (2 Q_1 + 1, ..., 2 Q_d + 1)
        theta at the start, price x size.
    """
    shape = tuple(2 * a.Q + 1 for a in book.assets)
    q = np.stack(np.meshgrid(*(a.lot * a.lots() for a in book.assets), indexing="ij"))
    risk = 0.5 * book.gamma * np.einsum("i...,ij,j...->...", q, book.covariance, q)

    def slope(_: float, flat: Floats) -> Floats:
        theta = flat.reshape(shape)
        total = -risk
        for axis, asset in enumerate(book.assets):
            rate = asset.lot * asset.eta / asset.k
            gain = rate * np.exp(asset.k / asset.lot * np.diff(theta, axis=axis))
            loss = rate * np.exp(-asset.k / asset.lot * np.diff(theta, axis=axis))
            before, behind = _pads(len(shape), axis)
            total = total + np.pad(gain, behind) + np.pad(loss, before)
        return total.ravel()

    T = float(book.assets[0].T)
    solved = solve_ivp(slope, (0.0, T), np.zeros(risk.size), method="LSODA", rtol=1e-9, atol=1e-9)
    return solved.y[:, -1].reshape(shape)


def quotes_on_grid(book: Book, theta: Floats) -> tuple[Floats, Floats]:
    """Return the depths that a value function implies.

    Parameters
    ----------
    book : Book
        The assets.
    theta : ndarray, shape (2 Q_1 + 1, ..., 2 Q_d + 1)
        Value, price x size.

    Returns
    -------
    bid, ask : ndarray, shape (d, 2 Q_1 + 1, ..., 2 Q_d + 1)
        Depths, price; infinite at the ends of the grid.
    """
    bids, asks = [], []
    for axis, asset in enumerate(book.assets):
        before, behind = _pads(theta.ndim, axis)
        step = np.diff(theta, axis=axis) / asset.lot
        bids.append(asset.base + np.pad(-step, behind, constant_values=np.inf))
        asks.append(asset.base + np.pad(step, before, constant_values=np.inf))
    return np.stack(bids), np.stack(asks)


def _pads(axes: int, axis: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Widths that pad one axis by one place before its start, and behind its end."""
    return [(int(i == axis), 0) for i in range(axes)], [(0, int(i == axis)) for i in range(axes)]
