"""Forward algorithms with their derivatives by hand: hidden regimes, and runs between changepoints.

Series of all assets lie behind each other, those of asset i at start[i]:start[i + 1]; parameters are one per asset.

Hidden Markov chain of K regimes, all equally sticky (Baum et al. 1970; Rabiner 1989), one factor e^{l_k} per row:

    P(same after g seconds) = 1/K + (1 - 1/K) rho^g,   P(another, each) = (1 - rho^g)/K,   rho = (K p - 1)/(K - 1)
    d log L/d theta = sum_t sum_k P(regime k at t | all) dl_tk/d theta,   and in p from neighbouring pairs alike

Run lengths (Adams and MacKay 2007), r the points of a run so far, pi_tr the density of point t after r of its run:

    w_t(0) = (1 - e^{-h g}) sum_r u_{t-1}(r),   w_t(r + 1) = e^{-h g} u_{t-1}(r),   u_t(r) = w_t(r) pi_tr
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

#: Log of a density over another that is too little to be seen: no regime is less likely beforehand than 1e-17.
_NOTHING = -110.0


@njit(cache=True)
def hidden_regimes(
    stay: Any, log_sd: Any, mean: Any, scatter: Any, jumps: Any, gap: Any, x: Any, y: Any, jump: Any, start: Any
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Hidden Markov chain seen through returns and log spreads; gradients in the first five arguments.

    Parameters
    ----------
    stay : ndarray, shape (assets,)
        Probability of staying in a regime for a second, in (0, 1).
    log_sd, mean : ndarray, shape (assets, K)
        Log sd of returns and mean of log spreads in each regime.
    scatter, jumps : ndarray, shape (assets,)
        Sd of log spreads within a regime, and share of returns that are jumps.
    gap, x, y : ndarray, shape (N,)
        Whole seconds since the row before (infinite for a new start), returns and log spreads.
    jump : ndarray, shape (assets,)
        Sd of jumps.
    start : ndarray of int, shape (assets + 1,)
        Where each asset begins.
    """
    value, states = 0.0, log_sd.shape[1]
    d_stay, d_scatter, d_jumps = np.zeros_like(stay), np.zeros_like(stay), np.zeros_like(stay)
    d_log_sd, d_mean = np.zeros_like(log_sd), np.zeros_like(log_sd)
    for i in range(stay.size):
        rows = slice(start[i], start[i + 1])
        kept, d_kept = _kept((stay[i] * states - 1.0) / (states - 1.0), gap[rows])
        like, clean, top = _emissions(log_sd[i], mean[i], scatter[i], jumps[i], x[rows], y[rows], jump[i])
        ahead, norm = _forward(kept, like)
        value += top + np.log(norm).sum()
        d_rho = _backward(kept, d_kept, like, ahead, norm)
        d_stay[i] = d_rho * states / (states - 1.0)
        d_log_sd[i], d_mean[i], d_scatter[i], d_jumps[i] = _slopes(
            ahead, clean, log_sd[i], mean[i], scatter[i], jumps[i], x[rows], y[rows]
        )
    return np.asarray(value), d_stay, d_log_sd, d_mean, d_scatter, d_jumps


@njit(cache=True)
def _forward(kept: Any, like: Any) -> tuple[Any, Any]:
    """P(regime | rows so far), and the density of each row given those before it, over its largest."""
    n, states = like.shape
    ahead, norm = np.empty((n, states)), np.empty(n)
    before = np.full(states, 1.0 / states)
    for t in range(n):
        total, shared = 0.0, (1.0 - kept[t]) / states
        for k in range(states):
            ahead[t, k] = (kept[t] * before[k] + shared) * like[t, k]
            total += ahead[t, k]
        norm[t], over = total, 1.0 / total
        for k in range(states):
            ahead[t, k] *= over
            before[k] = ahead[t, k]
    return ahead, norm


@njit(cache=True)
def _backward(kept: Any, d_kept: Any, like: Any, ahead: Any, norm: Any) -> float:
    """Derivative in rho; what is in `ahead` becomes P(regime | all rows)."""
    n, states = like.shape
    after, now, d_rho, each = np.ones(states), np.empty(states), 0.0, 1.0 / states
    for t in range(n - 1, -1, -1):
        level, pairs, over = 0.0, 0.0, 1.0 / norm[t]
        for k in range(states):
            now[k] = like[t, k] * after[k] * over
            level += now[k] * each
            if t > 0:
                pairs += ahead[t - 1, k] * now[k]
        if t > 0:
            d_rho += (pairs - level) * d_kept[t]
        for k in range(states):
            ahead[t, k] *= after[k]
            after[k] = kept[t] * now[k] + (1.0 - kept[t]) * level
    return d_rho


@njit(cache=True)
def _slopes(
    belief: Any, clean: Any, log_sd: Any, mean: Any, scatter: float, jumps: float, x: Any, y: Any
) -> tuple[Any, Any, float, float]:
    """Gradients of the emissions of one asset, each row weighted by the belief in its regimes."""
    n, states = belief.shape
    d_log_sd, d_mean, d_scatter, no_jumps = np.zeros(states), np.zeros(states), 0.0, 0.0
    precision, over = np.exp(-2.0 * log_sd), 1.0 / scatter
    for t in range(n):
        square = x[t] * x[t]
        for k in range(states):
            inlier, off = belief[t, k] * clean[t, k], (y[t] - mean[k]) * over
            no_jumps += inlier
            d_log_sd[k] += inlier * (square * precision[k] - 1.0)
            d_mean[k] += belief[t, k] * off
            d_scatter += belief[t, k] * (off * off - 1.0)
    return d_log_sd, d_mean * over, d_scatter * over, (n - no_jumps) / jumps - no_jumps / (1.0 - jumps)


@njit(cache=True)
def _kept(rho: float, gap: Any) -> tuple[Any, Any]:
    """rho^gap and its derivative, both zero where the chain starts anew."""
    kept, slope = np.zeros(gap.size), np.zeros(gap.size)
    for t in range(gap.size):
        if gap[t] == 1.0:
            kept[t], slope[t] = rho, 1.0
        elif np.isfinite(gap[t]):
            kept[t], slope[t] = rho ** int(gap[t]), gap[t] * rho ** int(gap[t] - 1)
    return kept, slope


@njit(cache=True)
def _share(log: float) -> float:
    """e^log of a density over the largest of its row; most are that one, or so small that none can see them."""
    if log == 0.0:
        return 1.0
    return float(np.exp(log)) if log > _NOTHING else 0.0


@njit(cache=True)
def _emissions(
    log_sd: Any, mean: Any, scatter: float, jumps: float, x: Any, y: Any, jump: float
) -> tuple[Any, Any, float]:
    """Densities over the largest of their row, P(no jump | regime), and the sum of the logs of the largest."""
    n, states = x.size, log_sd.size
    like, clean, total = np.empty((n, states)), np.empty((n, states)), -x.size * np.log(2.0 * np.pi * scatter)
    inner, outer = np.log1p(-jumps) - log_sd, np.log(jumps) - np.log(jump)
    precision, wide, narrow = np.exp(-2.0 * log_sd), 0.5 / jump**2, 0.5 / scatter**2
    near, far = np.empty(states), np.empty(states)
    for t in range(n):
        square, top = x[t] * x[t], -np.inf
        for k in range(states):
            off = narrow * (y[t] - mean[k]) ** 2
            near[k], far[k] = inner[k] - 0.5 * square * precision[k] - off, outer - wide * square - off
            top = max(top, near[k], far[k])
        total += top
        for k in range(states):
            one, other = _share(near[k] - top), _share(far[k] - top)
            like[t, k] = one + other
            # Where both are nothing the row rules the regime out, and its share counts for nothing.
            clean[t, k] = one / like[t, k] if like[t, k] > 0.0 else 0.0
    return like, clean, total


@njit(cache=True)
def run_lengths(hazard: Any, like: Any, gap: Any, start: Any) -> tuple[Any, Any]:
    """Series with changepoints at a constant rate, run lengths summed out; the gradient in the rate.

    Parameters
    ----------
    hazard : ndarray, shape (assets,)
        Rate of changepoints, 1/s.
    like : ndarray, shape (N, most points of a series)
        Density of each point after 0, 1, ... points of its run, each row over any factor of its own.
    gap : ndarray, shape (N,)
        Seconds since the row before; infinite for a new start.
    start : ndarray of int, shape (assets + 1,)
        Where each asset begins.
    """
    value, d_hazard = 0.0, np.zeros_like(hazard)
    width = like.shape[1]
    for i in range(hazard.size):
        run, slope, now, d_now = np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width)
        longest = 0
        for t in range(start[i], start[i + 1]):
            if np.isinf(gap[t]):
                longest, now[0], d_now[0] = 0, 1.0, 0.0
            else:
                kept = np.exp(-hazard[i] * gap[t])
                now[0], d_now[0] = -np.expm1(-hazard[i] * gap[t]), gap[t] * kept
                for r in range(longest):
                    now[r + 1], d_now[r + 1] = kept * run[r], kept * (slope[r] - gap[t] * run[r])
            total, d_total = 0.0, 0.0
            for r in range(longest + 1):
                run[r], slope[r] = now[r] * like[t, r], d_now[r] * like[t, r]
                total += run[r]
                d_total += slope[r]
            d_total /= total
            for r in range(longest + 1):
                run[r] /= total
                slope[r] = slope[r] / total - run[r] * d_total
            longest += 1
            value += np.log(total)
            d_hazard[i] += d_total
    return np.asarray(value), d_hazard
