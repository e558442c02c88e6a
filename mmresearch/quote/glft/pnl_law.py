"""The law of the PnL of a policy, exactly: its characteristic function by recursion, its quantiles by cosines.

f_q(t; w) = E[e^{i w (PnL_T - PnL_t)} | q] solves the equation of u in `moments` with -gamma replaced by i w. The law
is the cosine series on mean +/- 12 sd whose coefficients are real parts of f; fills and the wandering mid smooth it, so
that a hundred terms do. A law with jumps (a handful of fills, no volatility) has no such series and is refused.
Source: Fang and Oosterlee (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import moments
from mmresearch.quote.glft.policy import Policy, fills

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

TERMS, WIDTH_SD = 112, 12.0
#: The last coefficients must be below this, or the series is cut off too early.
_TAIL = 1e-7
#: Norm times the length of a step: rounding grows like its exponential, twice.
_REACH, _LEFT_OUT = 6.0, 1e-14


@dataclass(frozen=True)
class PnlLaw:
    """Law of the PnL at the horizon.

    Attributes
    ----------
    mean, sd : float
        Price x size.
    low, high : float
        Ends of the interval on which the series stands.
    coefficients : ndarray, shape (TERMS,)
        Of the cosines, 1/(price x size).
    """

    mean: float
    sd: float
    low: float
    high: float
    coefficients: Floats

    def cdf(self, x: ArrayLike) -> Floats:
        """Probability of a PnL of at most x (price x size), of the shape of x."""
        at = np.clip(np.asarray(x, dtype=float), self.low, self.high)[..., None] - self.low
        w = np.arange(1, TERMS) * np.pi / (self.high - self.low)
        wave = np.sum(self.coefficients[1:] * np.sin(w * at) / w, axis=-1)
        return np.clip(self.coefficients[0] * at[..., 0] + wave, 0.0, 1.0)

    def quantile(self, probability: float) -> float:
        """PnL (price x size) that is not reached with this probability, in (1e-6, 1 - 1e-6).

        Raises
        ------
        ValueError
            If the probability is outside that range, which the series does not resolve.
        """
        if not 1e-6 < probability < 1 - 1e-6:
            raise ValueError(f"probability must lie in (1e-6, 1 - 1e-6), got {probability:g}")
        return float(brentq(lambda x: float(self.cdf(x)) - probability, self.low, self.high, xtol=1e-9 * self.sd))


def pnl_law(policy: Policy, market: Model, q0: float = 0.0) -> PnlLaw:
    """Return the law of the PnL of a policy, marked to the mid.

    Parameters
    ----------
    policy : Policy
        Depths.
    market : Model
        The truth, numbers.
    q0 : float
        Inventory at the start, size.

    Raises
    ------
    ValueError
        If the law has jumps that cosines cannot follow.
    """
    known = moments(policy, market, q0)
    low, high = known.mean - WIDTH_SD * known.sd, known.mean + WIDTH_SD * known.sd
    if not known.sd > 0:
        raise ValueError("the PnL is certain; it has no law to invert")
    w = np.pi / (high - low) * np.arange(TERMS, dtype=np.float64)
    start = market.Q + round(q0 / float(market.lot))
    f = characteristic(policy, market, w)[:, start] * np.exp(-1j * w * low)
    coefficients = 2.0 / (high - low) * f.real
    coefficients[0] *= 0.5
    if np.abs(f[-TERMS // 8 :]).max() > _TAIL:
        raise ValueError("the law of the PnL has jumps: too few fills, or too little volatility, for a smooth one")
    return PnlLaw(known.mean, known.sd, low, high, coefficients)


def characteristic(policy: Policy, market: Model, w: Floats) -> Complex:
    """Return E[e^{i w PnL}] from each inventory at the start, shape (W, 2 Q + 1).

    Parameters
    ----------
    policy : Policy
        Depths.
    market : Model
        The truth, numbers.
    w : ndarray, shape (W,)
        Frequencies, 1/(price x size).
    """
    bid, ask, length = policy.by_interval(float(market.T))
    met, q = fills(bid[::-1], ask[::-1], market), market.lot * market.lots()
    out = -met.bid_rate - met.ask_rate
    f = np.ones((w.size, q.size), dtype=complex)
    for row, frequency in zip(f, w, strict=True):
        diagonal = out - 0.5 * (frequency * market.sigma * q) ** 2 + 1j * frequency * market.mu * q
        lower = met.ask_rate * np.exp(1j * frequency * met.ask_gain)
        upper = met.bid_rate * np.exp(1j * frequency * met.bid_gain)
        _carry(diagonal, lower, upper, length[::-1].copy(), row)
    return f


@njit(cache=True, fastmath={"contract"})
def _carry(
    diagonal: Complex, lower: Complex, upper: Complex, length: Floats, f: Complex
) -> None:  # pragma: no cover - compiled
    """Replace f by e^{K h} f, interval after interval; |f| never exceeds 1."""
    n = f.size
    v, term = np.zeros(n + 2, dtype=np.complex128), np.zeros(n + 2, dtype=np.complex128)
    after = np.zeros(n + 2, dtype=np.complex128)
    v[1:-1] = f
    for r in range(length.size):
        d, low, up = diagonal[r], lower[r], upper[r]
        norm = 0.0
        for i in range(n):
            norm = max(norm, abs(d[i]) + abs(low[i]) + abs(up[i]))
        steps = max(1, int(np.ceil(norm * length[r] / _REACH)))
        h = length[r] / steps
        for _ in range(steps):
            term[:] = v
            k, size = 0, 1.0
            while size > _LEFT_OUT:
                k += 1
                size = 0.0
                before, here, beyond, new, total = term[:-2], term[1:-1], term[2:], after[1:-1], v[1:-1]
                for i in range(n):
                    new[i] = h / k * (d[i] * here[i] + low[i] * before[i] + up[i] * beyond[i])
                    total[i] += new[i]
                    size = max(size, abs(new[i].real) + abs(new[i].imag))
                term, after = after, term
    f[:] = v[1:-1]
