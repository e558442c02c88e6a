"""Moments of any policy in continuous time, without Monte Carlo error: what a simulator has to agree with.

With p_q(t) the probability of inventory q, m_q = E[PnL; q] and s_q = E[PnL^2; q] (PnL marked to the mid, from 0), and
lambda and g the rates and gains of fills from `policy`, a forward recursion:

    p' = sum of inflows lambda p                    - outflow p,
    m' = sum of inflows lambda (m + g p)            - outflow m + mu q p,
    s' = sum of inflows lambda (s + 2 g m + g^2 p)  - outflow s + 2 mu q m + sigma^2 q^2 p.

And u_q(t) = E[e^{-gamma (PnL_T - PnL_t)} | q] solves, backwards, -u' = (gamma^2 sigma^2 q^2/2 - gamma mu q - outflow)
u plus the sum over fills of lambda e^{-gamma g} u at the inventory after: a tridiagonal exponential.
The certainty equivalent is -ln(u)/gamma. All are linear with coefficients constant on each interval of the policy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.policy import Policy, fills
from mmresearch.quote.glft.tridiagonal import propagate

Floats = NDArray[np.float64]

#: Rate of leaving times the length of a step, and relative size of the terms left out.
_REACH, _LEFT_OUT = 1.0, 1e-18


@dataclass(frozen=True)
class Moments:
    """What a policy makes from one start to the horizon.

    Attributes
    ----------
    mean, sd : float
        Of the PnL, price x size.
    certainty_equivalent : float
        -(1/gamma) ln E[e^{-gamma PnL}], price x size; the mean at gamma = 0.
    mean_q, sd_q : float
        Of the inventory at the horizon, size.
    mean_fills : float
        Expected number of fills, both sides.
    q_probability : ndarray, shape (2 Q + 1,)
        Law of the inventory at the horizon.
    """

    mean: float
    sd: float
    certainty_equivalent: float
    mean_q: float
    sd_q: float
    mean_fills: float
    q_probability: Floats


def moments(policy: Policy, market: Model, q0: float = 0.0) -> Moments:
    """Return the moments of a policy in a market.

    Parameters
    ----------
    policy : Policy
        Depths by inventory, and by time if they depend on it.
    market : Model
        The truth, numbers; its `gamma` prices the certainty equivalent, `xi` plays no part.
    q0 : float
        Inventory at the start, size.

    Raises
    ------
    ValueError
        If the policy and the market have different limits or horizons, or the start lies outside the limits.
    """
    start = _start(policy, market, q0)
    bid, ask, length = policy.by_interval(float(market.T))
    met = fills(bid, ask, market)
    q = np.asarray(market.lot * market.lots(), dtype=float)
    state = np.zeros((3, q.size + 2))
    state[0, 1 + start] = 1.0
    rates = met.bid_rate, met.ask_rate, met.bid_gain, met.ask_gain
    filled = _forward(*rates, length, q, float(market.mu), float(market.sigma), state)
    p, first, second = state[:, 1:-1]
    mean, mean_q = float(first.sum()), float(q @ p)
    sd = float(np.sqrt(max(second.sum() - mean**2, 0.0)))
    sd_q = float(np.sqrt(max((q - mean_q) ** 2 @ p, 0.0)))
    gamma = float(market.gamma)
    worth = float(certainty_equivalents(policy, market)[start]) if gamma > 0 else mean
    return Moments(mean, sd, worth, mean_q, sd_q, filled, p)


def certainty_equivalents(policy: Policy, market: Model) -> Floats:
    """Return the certainty equivalent from each inventory at the start, price x size, shape (2 Q + 1,); gamma > 0.

    Parameters
    ----------
    policy : Policy
        Depths by inventory, and by time if they depend on it.
    market : Model
        The truth, numbers.
    """
    _start(policy, market, 0.0)
    bid, ask, length = policy.by_interval(float(market.T))
    diagonal, lower, upper = tilted(bid[::-1], ask[::-1], market)
    fresh = np.zeros(len(length), dtype=bool)
    fresh[0] = True
    u, scale = propagate(diagonal, lower, upper, np.ones_like(diagonal), length[::-1].copy(), fresh)
    return -(np.log(u[-1]) + scale[-1]) / float(market.gamma)


def tilted(bid: Floats, ask: Floats, market: Model) -> tuple[Floats, Floats, Floats]:
    """Return diagonal, lower and upper entries of the generator of u, shape (..., 2 Q + 1) each, 1/s.

    Parameters
    ----------
    bid, ask : ndarray, shape (..., 2 Q + 1)
        Depths, price.
    market : Model
        The truth; its parameters may be arrays of shape (..., 1).
    """
    met, q, gamma = fills(bid, ask, market), market.lot * market.lots(), market.gamma
    diagonal = 0.5 * (gamma * market.sigma * q) ** 2 - gamma * market.mu * q - met.bid_rate - met.ask_rate
    lower, upper = met.ask_rate * np.exp(-gamma * met.ask_gain), met.bid_rate * np.exp(-gamma * met.bid_gain)
    return np.ascontiguousarray(diagonal), lower, upper


def _start(policy: Policy, market: Model, q0: float) -> int:
    """Index of the inventory at the start."""
    if market.shape:
        raise ValueError(f"moments are of one market; its parameters must be numbers, got shape {market.shape}")
    if policy.Q != market.Q:
        raise ValueError(f"the policy quotes up to {policy.Q} lots, the market allows {market.Q}")
    j = q0 / float(market.lot)
    if abs(j - round(j)) > 1e-9 or abs(j) > market.Q:
        raise ValueError(f"q0 must be whole lots within -{market.Q} to {market.Q}, got {q0:g}")
    return round(j) + market.Q


@njit(cache=True, fastmath={"contract"})
def _forward(
    bid_rate: Floats,
    ask_rate: Floats,
    bid_gain: Floats,
    ask_gain: Floats,
    length: Floats,
    q: Floats,
    mu: float,
    sigma: float,
    state: Floats,
) -> float:  # pragma: no cover - compiled
    """Carry (p, m, s), rows of `state` padded by a 0 at both ends, to the horizon; return the expected fills."""
    n, filled = q.size, 0.0
    term, after = np.zeros_like(state), np.zeros_like(state)
    for r in range(length.size):
        up, down, gain_up, gain_down = bid_rate[r], ask_rate[r], bid_gain[r], ask_gain[r]
        out = up + down
        steps = max(1, int(np.ceil(out.max() * length[r] / _REACH)))
        h = length[r] / steps
        for _ in range(steps):
            term[:] = state
            k, size = 0, 1.0
            while size > _LEFT_OUT:
                k += 1
                part, filled_now, size = h / k, 0.0, 0.0
                for i in range(n):
                    p, m, s = term[0, i + 1], term[1, i + 1], term[2, i + 1]
                    new_p, new_m, new_s = -out[i] * p, -out[i] * m, -out[i] * s
                    filled_now += out[i] * p
                    new_m += mu * q[i] * p
                    new_s += 2.0 * mu * q[i] * m + sigma * sigma * q[i] * q[i] * p
                    if i > 0:
                        rate, g, pp, mm = up[i - 1], gain_up[i - 1], term[0, i], term[1, i]
                        new_p += rate * pp
                        new_m += rate * (mm + g * pp)
                        new_s += rate * (term[2, i] + 2.0 * g * mm + g * g * pp)
                    if i < n - 1:
                        rate, g, pp, mm = down[i + 1], gain_down[i + 1], term[0, i + 2], term[1, i + 2]
                        new_p += rate * pp
                        new_m += rate * (mm + g * pp)
                        new_s += rate * (term[2, i + 2] + 2.0 * g * mm + g * g * pp)
                    after[0, i + 1], after[1, i + 1], after[2, i + 1] = part * new_p, part * new_m, part * new_s
                filled += part * filled_now
                for a in range(3):
                    total, change = 1e-300, 0.0
                    for i in range(1, n + 1):
                        state[a, i] += after[a, i]
                        total += abs(state[a, i])
                        change += abs(after[a, i])
                    size = max(size, change / total)
                term, after = after, term
    return filled
