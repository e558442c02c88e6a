"""Exposure at many depths as exposure at few: a Gauss rule in each octave of depth.

Orders that rest E_b seconds in bin b at depth d_b meet fills at the rate A times

    sum_b E_b e^{-kappa d_b}  ~  sum_j w_j e^{-kappa x_j},

nodes x_j and weights w_j so that both sides have the same moments up to 2n - 1 in every octave (n = 5). The right side
is never above the left. Where exposure is spread evenly it is below it by less than a millionth of it, and by a part in
ten thousand where all orders rest beyond 8/kappa; where an octave has no more than n bins it is exact. Nodes are
eigenvalues of the Jacobi matrix that Lanczos' recurrence makes of the bins.

Source: Golub and Welsch 1969, Calculation of Gauss quadrature rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: Nodes in an octave.
NODES = 5
#: Depth, in bps, below which all is one octave.
SHALLOWEST_BPS = 2.0**-6
#: Spread of a group of bins, as a share of their depth, that is none.
_SAME = 1e-7


def depth_nodes(exposure_s: FloatArray, depth_bps: FloatArray, nodes: int = NODES) -> tuple[FloatArray, FloatArray]:
    """Reduce bins of depth to nodes.

    Parameters
    ----------
    exposure_s, depth_bps : ndarray, shape (W, K)
        Order-seconds, and their mean depth, by window and bin.
    nodes : int
        In each octave.

    Returns
    -------
    exposure_s, depth_bps : ndarray, shape (W, J)
        Weights of the nodes in seconds, zero where a window needs fewer, and their depths.
    """
    octave = np.floor(np.log2(np.maximum(depth_bps, SHALLOWEST_BPS))).astype(int)
    rested = exposure_s > 0
    rules = [_rule(np.where(octave == o, exposure_s, 0.0), depth_bps, nodes) for o in np.unique(octave[rested])]
    if not rules:
        return np.zeros((len(exposure_s), 0)), np.zeros((len(exposure_s), 0))
    weight, place = (np.concatenate(parts, axis=1) for parts in zip(*rules, strict=True))
    used = (weight > 0).any(axis=0)
    return weight[:, used], place[:, used]


def _rule(weight: FloatArray, place: FloatArray, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Gauss rules of measures, a row each: weights and nodes, shape (W, nodes)."""
    total = weight.sum(axis=1, keepdims=True)
    share = weight / np.where(total > 0, total, 1.0)
    middle = (share * place).sum(axis=1, keepdims=True)
    off = np.where(weight > 0, place - middle, 0.0)
    diagonal, beside = _jacobi(np.sqrt(share), off, nodes, _SAME * np.maximum(middle[:, 0], SHALLOWEST_BPS))
    matrix = diagonal[:, :, None] * np.eye(nodes)
    for j in range(nodes - 1):
        matrix[:, j, j + 1] = matrix[:, j + 1, j] = beside[:, j]
    found, vectors = np.linalg.eigh(matrix)
    return total * vectors[:, 0, :] ** 2, middle + found


def _jacobi(first: FloatArray, place: FloatArray, nodes: int, least: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Recurrence coefficients by Lanczos, orthogonal to all that went before; it ends where nothing is left."""
    basis, diagonal, beside = [first], [], []
    for _ in range(nodes):
        rest = place * basis[-1]
        diagonal.append((basis[-1] * rest).sum(axis=1))
        for _twice in range(2):
            for known in basis:
                rest = rest - (known * rest).sum(axis=1, keepdims=True) * known
        length = np.linalg.norm(rest, axis=1)
        length = np.where(length > least, length, 0.0)
        beside.append(length)
        basis.append(np.where(length > 0, 1.0, 0.0)[:, None] * rest / np.where(length > 0, length, 1.0)[:, None])
    return np.stack(diagonal, axis=1), np.stack(beside[:-1], axis=1)
