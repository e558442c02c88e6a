"""What happens without us: other people's market orders, and the path of the mid.

Market orders of each side arrive as a Poisson process of rate A and reach a depth D ~ Exp(kappa) from the mid; extra
ones stop at the touch. The mid's logarithm moves at quote times, with variance sigma^2 per second. Activity a_w, kappa
and alpha hold for windows of 300 s: volatility is sigma a_w, intensity A a_w^2. In a plain world all windows are alike.
Where features are on (`mmresearch.sim.dynamics`), the path also drifts and its volatility goes with the regime, second
by second (`mmresearch.sim.steps`), and orders bring others (`mmresearch.sim.hawkes`).

Units: seconds, bps of mid, kappa per bp inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr

from mmresearch.sim.steps import Steps
from mmresearch.sim.truth import Stress, Truth
from mmresearch.tape.columns import TRADE_COLUMNS

WINDOW_S = 300.0
#: Depth of a market order that stops at the touch whatever happens: it fills no order of ours.
STOPS = -1.0


@dataclass(frozen=True)
class Windows:
    """Values that hold for 300 s each.

    Attributes
    ----------
    activity, kappa_per_bp, alpha : ndarray, shape (W,)
        Pace of the market (1 when plain), decay of intensity (1/bp), probability that a touch fill is informed.
    jump_ratio : ndarray, shape (W,)
        By what jumps after informed fills are multiplied: 1 outside toxic hours.
    jump_shift_bps : ndarray, shape (W,)
        By how much the mean of those jumps is off its mean over windows, before that.
    """

    activity: NDArray[np.float64]
    kappa_per_bp: NDArray[np.float64]
    alpha: NDArray[np.float64]
    jump_ratio: NDArray[np.float64]
    jump_shift_bps: NDArray[np.float64]

    def at(self, ts: NDArray[np.float64]) -> NDArray[np.intp]:
        """Window of each time."""
        return np.minimum((ts / WINDOW_S).astype(np.intp), self.activity.size - 1)


def draw_windows(truth: Truth, seconds: float, stress: Stress, rng: np.random.Generator) -> Windows:
    """Draw what wanders from window to window.

    Parameters
    ----------
    truth : Truth
        About which values wander.
    seconds : float
        Length of the tape.
    stress : Stress
        How far they wander.
    rng : numpy.random.Generator
        Source of randomness.
    """
    n = max(1, math.ceil(seconds / WINDOW_S))
    b, k = rng.standard_normal((2, n))
    alpha = np.full(n, truth.alpha_touch)
    if stress.icc > 0 and 0 < truth.alpha_touch < 1:
        strength = 1 / stress.icc - 1
        alpha = rng.beta(truth.alpha_touch * strength, (1 - truth.alpha_touch) * strength, n)
    kappa_per_bp = truth.kappa * 1e-4 * np.exp(stress.kappa_wander * k)
    shift = np.zeros(n)
    if stress.cost_wander > 0:
        shift = stress.cost_wander * truth.adverse_sd_bps * rng.standard_normal(n)
    return Windows(_activity(stress.burst, b), kappa_per_bp, alpha, _jump_ratio(truth, n), shift)


def _jump_ratio(truth: Truth, n: int) -> NDArray[np.float64]:
    """By what jumps are multiplied in each window: time 0 is midnight."""
    toxic = truth.dynamics.toxic
    hour = (np.arange(n) * WINDOW_S // 3600).astype(np.intp) % 24
    return np.where(np.isin(hour, toxic.hours if toxic else ()), truth.toxic_jump_ratio, 1.0)


def _activity(burst: float, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root of a Gamma with mean one and sd `burst`, from standard Normal draws."""
    if burst == 0:
        return np.ones_like(z)
    shape = burst**-2
    return np.sqrt(gammaincinv(shape, ndtr(z)) / shape)


@dataclass(frozen=True)
class Flow:
    """Market orders of both sides, in order of time.

    Attributes
    ----------
    ts, side, depth_bps : ndarray, shape (n,)
        Time (s), +1 for a buyer, depth reached from the mid (bps; `STOPS` for the touch only).
    """

    ts: NDArray[np.float64]
    side: NDArray[np.int64]
    depth_bps: NDArray[np.float64]


def draw_flow(truth: Truth, seconds: float, windows: Windows, rng: np.random.Generator) -> Flow:
    """Draw all market orders: a Poisson process thinned to the activity of each window.

    Parameters
    ----------
    truth : Truth
        Intensity, decay, and the rate of orders that stop at the touch.
    seconds : float
        Length of the tape.
    windows : Windows
        Activity and decay of each window.
    rng : numpy.random.Generator
        Source of randomness.
    """
    sides = [_one_side(truth, seconds, windows, rng) for _ in range(2)]
    ts, depth = (np.concatenate(column) for column in zip(*sides, strict=True))
    side = np.repeat([1, -1], [len(times) for times, _ in sides])
    order = np.argsort(ts, kind="stable")
    return Flow(ts[order], side[order], depth[order])


def _one_side(
    truth: Truth, seconds: float, windows: Windows, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pace = windows.activity**2
    ts = np.sort(rng.uniform(0, seconds, rng.poisson(truth.A * pace.max() * seconds)))
    ts = ts[rng.uniform(size=ts.size) * pace.max() < pace[windows.at(ts)]]
    depth = rng.exponential(size=ts.size) / windows.kappa_per_bp[windows.at(ts)]
    stop = np.sort(rng.uniform(0, seconds, rng.poisson(truth.touch_only_per_s * seconds)))
    return np.append(ts, stop), np.append(depth, np.full(stop.size, STOPS))


def draw_path(
    truth: Truth,
    seconds: float,
    quote_s: float,
    windows: Windows,
    stress: Stress,
    rng: np.random.Generator,
    steps: Steps | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the quote times (one in each `quote_s`, jittered) and the log mid there without jumps.

    Parameters
    ----------
    truth : Truth
        Volatility.
    seconds, quote_s : float
        Length of the tape, and mean time between quotes.
    windows : Windows
        Activity of each window.
    stress : Stress
        Whether increments are heavy-tailed.
    rng : numpy.random.Generator
        Source of randomness.
    steps : Steps, optional
        What holds for a second each; every second then begins with a quote, so that no stretch lies in two of them.
    """
    n = int(seconds / quote_s)
    ts = (np.arange(n) + rng.uniform(0.1, 0.9, n)) * quote_s
    ts[0] = 0.0
    if steps is not None:
        ts = np.union1d(ts, steps.ts)
    z = rng.standard_t(3, ts.size) / math.sqrt(3) if stress.heavy_tails else rng.standard_normal(ts.size)
    seconds_each = np.diff(ts, prepend=0.0)
    sd = truth.sigma_bps_per_sqrt_s * 1e-4 * np.sqrt(seconds_each) * windows.activity[windows.at(ts)]
    if steps is None:
        return ts, np.cumsum(sd * z)
    since = np.append(0, ts[:-1].astype(np.intp))
    return ts, np.cumsum(sd * z * steps.volatility[since] + seconds_each * steps.drift_per_s[since])


def prints(truth: Truth, flow: Flow, book: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Other people's prints: one at the touch for every market order, a second where it walked to.

    A walk goes ceil(excess / tick) ticks beyond the touch, hence P(at least j) = e^{-kappa tick (j - 1)}.

    Parameters
    ----------
    truth : Truth
        Tick and lot.
    flow : Flow
        The market orders.
    book : DataFrame
        Quotes.
    rng : numpy.random.Generator
        Draws sizes.
    """
    at = np.searchsorted(book["ts"].to_numpy(), flow.ts, side="left") - 1
    seen = at >= 0
    at, ts, side, depth = at[seen], flow.ts[seen], flow.side[seen], flow.depth_bps[seen]
    bid, ask = book["bid"].to_numpy()[at], book["ask"].to_numpy()[at]
    touch, mid = np.where(side > 0, ask, bid), 0.5 * (bid + ask)
    beyond = depth * 1e-4 * mid - np.abs(touch - mid)
    walks = beyond > 0
    far = touch + side * np.where(walks, np.ceil(beyond / truth.tick), 0) * truth.tick
    first = pd.DataFrame({"ts": ts, "price": touch, "size": rng.integers(1, 6, ts.size) * truth.lot, "side": side})
    both = pd.concat([first, first[walks].assign(price=far[walks])]).sort_index(kind="stable")
    return both.reset_index(drop=True)[list(TRADE_COLUMNS)].astype({"size": float, "side": "int64"})
