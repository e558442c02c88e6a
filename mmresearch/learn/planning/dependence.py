"""What dependent events are worth: design effects of clusters and of series, and their estimates from data.

    clusters   D = 1 + (m_A - 1) rho,   m_A = sum m_i^2/sum m_i
    series     tau = 1 + 2 sum_{k >= 1} rho_k

A mean of n events has the variance of one of n/D independent ones. m_i events in cluster i (say, fills within 300 s),
rho the correlation of two events of one cluster; rho_k that of two events k apart. m_A is the size of the cluster that
an event finds itself in: with unequal sizes it exceeds the mean size, and so does the harm.
Sources: Kish, Survey Sampling (1965), sections 5.4 and 8.2; Donner, International Statistical Review 54 (1986) for the
one-way analysis of variance; Geyer, Statistical Science 7 (1992), for where to end the sum. Pure numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def cluster_design_effect(sizes: ArrayLike, icc: float) -> float:
    """Return by how much clustering multiplies the variance of a mean over all events.

    Parameters
    ----------
    sizes : array_like, shape (K,)
        Events in each cluster.
    icc : float
        Intraclass correlation, in [-1, 1].

    Raises
    ------
    ValueError
        If a size is not positive or the correlation no correlation.
    """
    m = np.asarray(sizes, dtype=float)
    if not (m.size and np.all(m > 0)):
        raise ValueError("sizes of clusters must be positive, and there must be one")
    if not -1 <= icc <= 1:
        raise ValueError(f"an intraclass correlation lies in [-1, 1], got {icc}")
    return float(max(1 + ((m**2).sum() / m.sum() - 1) * icc, 0.0))


def intraclass_correlation(labels: ArrayLike, groups: ArrayLike) -> float:
    """Estimate the correlation of two events of one cluster by one-way analysis of variance.

    (MSB - MSW)/(MSB + (m_0 - 1) MSW), m_0 = (N - sum m_i^2/N)/(K - 1); negative where clusters are more alike than
    chance makes them.

    Parameters
    ----------
    labels : array_like, shape (N,)
        Values of the events: 0/1 labels, or costs.
    groups : array_like, shape (N,)
        Which cluster each belongs to.

    Raises
    ------
    ValueError
        If there are not at least two clusters and one with two events, or all labels are equal.
    """
    x, which = np.asarray(labels, dtype=float), np.asarray(groups)
    if x.ndim != 1 or x.shape != which.shape:
        raise ValueError(f"labels and groups must be two vectors of one length, got {x.shape} and {which.shape}")
    _, index = np.unique(which, return_inverse=True)
    m = np.bincount(index).astype(float) if x.size else np.empty(0)
    k, n = m.size, x.size
    if k < 2 or n <= k:
        raise ValueError(f"{n} events in {k} clusters show no correlation within: at least 2 clusters, one of 2 events")
    means = np.bincount(index, x) / m
    between = float(m @ (means - x.mean()) ** 2) / (k - 1)
    within = float(((x - means[index]) ** 2).sum()) / (n - k)
    size = (n - float((m**2).sum()) / n) / (k - 1)
    total = between + (size - 1) * within
    if not total > 0:
        raise ValueError("all labels are equal: there is no variance to take apart")
    return (between - within) / total


def integrated_autocorrelation(series: ArrayLike) -> float:
    """Estimate 1 + 2 sum of the autocorrelations: by how much dependence multiplies the variance of the mean.

    Lags are summed in pairs (0 and 1, 2 and 3, ...) up to the first pair whose sum is not positive: of what decays, in
    whatever signs, such sums are positive, and beyond that pair there is only noise.

    Parameters
    ----------
    series : array_like, shape (N,)
        Values in the order of their events, N >= 8.

    Raises
    ------
    ValueError
        If the series is short, not finite, or constant.
    """
    x = np.asarray(series, dtype=float)
    if x.ndim != 1 or x.size < 8 or not np.all(np.isfinite(x)):
        raise ValueError(f"a series must be a vector of at least 8 finite values, got shape {x.shape}")
    x = x - x.mean()
    if not np.any(x):
        raise ValueError("a constant series has no autocorrelation")
    spectrum = np.abs(np.fft.rfft(x, 2 * x.size)) ** 2
    correlation = np.fft.irfft(spectrum)[: x.size - x.size % 2]
    pairs = (correlation / correlation[0]).reshape(-1, 2).sum(axis=1)
    noise = np.flatnonzero(pairs <= 0)
    tau = 2 * float(pairs[: noise[0] if noise.size else None].sum()) - 1
    # A variance is not negative: labels that alternate leave next to none.
    return max(tau, 1.0 / x.size)
