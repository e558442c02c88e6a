"""Exact moments of the scheme of Avellaneda and Stoikov (2008): discrete steps, two independent draws in each.

In a step of dt, with quotes fixed at its beginning, the bid is filled with probability A e^{-k delta} dt, and the ask,
independently, likewise; both may be. Then the mid moves by sigma sqrt(dt) up or down, with equal probability. There is
no limit on inventory, so the table must reach far enough: `edge_probability` says how much came to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import Moments
from mmresearch.quote.glft.quotes import table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StepMoments(Moments):
    """Moments of the scheme.

    Attributes
    ----------
    edge_probability : float
        Probability of holding the largest inventory at the end: truncation is nothing where this is nothing.
    """

    edge_probability: float


def inventory_strategy(model: Model, steps: int) -> tuple[Floats, Floats]:
    """Return the depths of the inventory strategy at each step, two arrays of shape (steps, 2 Q + 1), price."""
    found = table(model, "as2008", float(model.T) * (1.0 - np.arange(steps) / steps))
    return np.asarray(found.bid), np.asarray(found.ask)


def symmetric_strategy(model: Model, steps: int) -> tuple[Floats, Floats]:
    """Return the benchmark's depths: half the spread of the inventory strategy, averaged over time, about the mid."""
    half = float(model.base + model.gamma * model.sigma**2 * model.T / 4.0)
    bid, ask = np.full((steps, 2 * model.Q + 1), half), np.full((steps, 2 * model.Q + 1), half)
    bid[:, -1] = ask[:, 0] = np.inf
    return bid, ask


def step_moments(bid: Floats, ask: Floats, market: Model) -> StepMoments:
    """Return the moments of a table of depths under the scheme, from no inventory.

    Parameters
    ----------
    bid, ask : ndarray, shape (steps, 2 Q + 1)
        Depths, price; infinite for no quote.
    market : Model
        The truth, numbers, with lots of 1 and neither drift nor impact.

    Raises
    ------
    ValueError
        If the market has what the scheme does not.
    """
    if market.mu or market.impact or market.lot != 1.0:
        raise ValueError("the scheme has neither drift nor impact, and trades lots of 1")
    dt, gamma, q = float(market.T) / len(bid), float(market.gamma), market.lots()
    shake = float(market.sigma) * np.sqrt(dt)
    here = (q == 0).astype(float)
    state, filled, log_scale = (here, np.zeros(q.size), np.zeros(q.size), here), 0.0, 0.0
    for depths in zip(bid, ask, strict=True):
        chances = [np.minimum(market.A * np.exp(-market.k * depth) * dt, 1.0) for depth in depths]
        gains = [np.where(np.isfinite(depth), depth - market.cost, 0.0) for depth in depths]
        filled += float(state[0] @ (chances[0] + chances[1]))
        p, m, s, w = _after_fills(chances, gains, state, gamma)
        w = w * np.cosh(gamma * shake * q)
        log_scale += float(np.log(w.sum()))
        state = (p, m, s + shake**2 * q**2 * p, w / w.sum())
    p, m, s, _ = state
    mean, mean_q = float(m.sum()), float(q @ p)
    sd, sd_q = float(np.sqrt(s.sum() - mean**2)), float(np.sqrt((q - mean_q) ** 2 @ p))
    worth = -log_scale / gamma if gamma > 0 else mean
    return StepMoments(mean, sd, worth, mean_q, sd_q, filled, p, float(p[0] + p[-1]))


def _after_fills(chances: list[Floats], gains: list[Floats], state: tuple[Floats, ...], gamma: float) -> list[Floats]:
    """Return p, E[PnL; q], E[PnL^2; q] and E[e^{-gamma PnL}; q] after the two draws of a step."""
    (buy, sell), (bought, sold) = chances, gains
    outcomes = (
        (0, (1.0 - buy) * (1.0 - sell), np.zeros_like(bought)),
        (0, buy * sell, bought + sold),
        (1, buy * (1.0 - sell), bought),
        (-1, sell * (1.0 - buy), sold),
    )
    p, m, s, w = state
    after = [np.zeros_like(p) for _ in state]
    for step, chance, gain in outcomes:
        moved = (p, m + gain * p, s + 2.0 * gain * m + gain**2 * p, w * np.exp(-gamma * gain))
        for total, value in zip(after, moved, strict=True):
            # Nobody leaves the table: at its ends that side has no chance.
            total += np.roll(chance * value, step)
    return after
