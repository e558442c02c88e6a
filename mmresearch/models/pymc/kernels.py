"""Recursions with their derivatives by hand: each returns a log likelihood and its gradient in every parameter.

Series of all assets lie behind each other, those of asset i at start[i]:start[i + 1]; parameters are one per asset.

Hawkes (Ozaki 1979):     A_j = e^{-beta (t_j - t_{j-1})} (1 + A_{j-1}),  lambda_j = mu + n beta A_j
                         log L = sum ln lambda_j - mu T - n sum (1 - e^{-beta (end - t_j)})
Local level (Harvey 1989): M = P + q D,  S = M + r,  v = y - x,  K = M/S;  x += K v,  P = r K
                         log L = -1/2 sum (ln 2 pi S + v^2/S);  a series that starts anew has x = y, P = r, and no term
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def hawkes(mu: Any, n: Any, beta: Any, ts: Any, start: Any, open_s: Any, end_s: Any) -> tuple[Any, Any, Any, Any]:
    """Exponential Hawkes flow; gradients in mu, n, beta.

    Parameters
    ----------
    mu, n, beta : ndarray, shape (assets,)
        Rate of immigrants (1/s), branching, decay (1/s).
    ts : ndarray, shape (N,)
        Event times, s.
    start : ndarray of int, shape (assets + 1,)
        Where each asset begins.
    open_s, end_s : ndarray, shape (assets,)
        Open seconds, and end of observation.
    """
    value = 0.0
    d_mu, d_n, d_beta = np.zeros_like(mu), np.zeros_like(n), np.zeros_like(beta)
    for i in range(mu.size):
        excited, slope, last = 0.0, 0.0, 0.0
        value -= mu[i] * open_s[i]
        d_mu[i] -= open_s[i]
        for j in range(start[i], start[i + 1]):
            gap = ts[j] - last
            if j > start[i]:
                kept = np.exp(-beta[i] * gap)
                excited, slope = kept * (1.0 + excited), kept * (slope - gap * (1.0 + excited))
            last = ts[j]
            rate = mu[i] + n[i] * beta[i] * excited
            value += np.log(rate)
            d_mu[i] += 1.0 / rate
            d_n[i] += beta[i] * excited / rate
            d_beta[i] += n[i] * (excited + beta[i] * slope) / rate
            left = end_s[i] - ts[j]
            passed = -np.expm1(-beta[i] * left)
            value -= n[i] * passed
            d_n[i] -= passed
            d_beta[i] -= n[i] * left * (1.0 - passed)
    return np.asarray(value), d_mu, d_n, d_beta


@njit(cache=True)
def local_level(q: Any, r: Any, gap: Any, y: Any, start: Any) -> tuple[Any, Any, Any]:
    """Kalman filter of a random walk seen with noise; gradients in q, r.

    Parameters
    ----------
    q, r : ndarray, shape (assets,)
        Variance gained per second, and variance of an observation.
    gap, y : ndarray, shape (N,)
        Seconds since the row before (infinite for a new start), and observations.
    start : ndarray of int, shape (assets + 1,)
        Where each asset begins.
    """
    value = 0.0
    d_q, d_r = np.zeros_like(q), np.zeros_like(r)
    for i in range(q.size):
        x, x_q, x_r, p, p_q, p_r = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(start[i], start[i + 1]):
            if np.isinf(gap[j]):
                x, x_q, x_r, p, p_q, p_r = y[j], 0.0, 0.0, r[i], 0.0, 1.0
                continue
            m, m_q, m_r = p + q[i] * gap[j], p_q + gap[j], p_r
            s, s_q, s_r = m + r[i], m_q, m_r + 1.0
            v = y[j] - x
            value -= 0.5 * (np.log(2.0 * np.pi * s) + v * v / s)
            d_q[i] -= 0.5 * (s_q - v * v / s * s_q - 2.0 * v * x_q) / s
            d_r[i] -= 0.5 * (s_r - v * v / s * s_r - 2.0 * v * x_r) / s
            k = m / s
            k_q, k_r = (m_q - k * s_q) / s, (m_r - k * s_r) / s
            x, x_q, x_r = x + k * v, x_q + k_q * v - k * x_q, x_r + k_r * v - k * x_r
            p, p_q, p_r = r[i] * k, r[i] * k_q, k + r[i] * k_r
    return np.asarray(value), d_q, d_r
