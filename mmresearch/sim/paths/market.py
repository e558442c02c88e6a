"""What the paths meet: the market as numbers for JAX, and what one fill does.

A bid at depth delta gains D (delta - cost) - (q + D) impact when filled, an ask D (delta - cost) + (q - D) impact, in
marks to the mid, as in `mmresearch.quote.glft.policy`; no side is quoted that would lead beyond Q lots.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from mmresearch.quote.glft.model import Model
from mmresearch.sim.paths.policies import PathPolicy
from mmresearch.sim.paths.threefry import Array


class Market(NamedTuple):
    """Parameters of the truth, numbers of one dtype; see `mmresearch.quote.glft.model.Model`. `limit` is Q D, size.

    Drift, impact and cost are None where there is none, so that nothing is compiled for them.
    """

    sigma: Array
    A: Array
    k: Array
    lot: Array
    limit: Array
    mu: Array | None
    impact: Array | None
    cost: Array | None


class Holding(NamedTuple):
    """What paths have: inventory (size), PnL in marks to the mid (price x size), fills; each of shape (leaf,)."""

    q: Array
    pnl: Array
    fills: Array


#: A policy and the market that it meets; scenarios that are run together share their random words.
Scenario = tuple[PathPolicy, Market]


def market_of(model: Model, dtype: Any) -> Market:
    """Return a model as numbers of a dtype.

    Raises
    ------
    ValueError
        If a parameter is an array: run one scenario for each.
    """
    always = (model.sigma, model.A, model.k, model.lot, model.Q * model.lot)
    rare = (model.mu, model.impact, model.cost)
    if any(jnp.ndim(v) for v in always + rare):
        raise ValueError("a market of paths has numbers for parameters, no arrays; give one scenario for each")
    return Market(*(dtype(v) for v in always), *(dtype(v) if v else None for v in rare))


def at_start(like: Array, dtype: Any) -> Holding:
    """Return paths that hold nothing yet."""
    return Holding(*(jnp.zeros(like.shape, dtype) for _ in Holding._fields))


def rates(policy: PathPolicy, market: Market, q: Array, t: Array) -> tuple[Array, Array, Array, Array]:
    """Return depths of bid and ask (price), and their fill rates (1/s): no quote beyond the limit.

    Parameters
    ----------
    policy : PathPolicy
        How to quote.
    market : Market
        The truth.
    q : array, shape (leaf,)
        Inventories, size.
    t : float
        Seconds since the start.
    """
    bid, ask = policy(q, t)
    room = market.limit - 0.5 * market.lot
    buys = jnp.where(q < room, market.A * jnp.exp(-market.k * bid), 0.0)
    sells = jnp.where(q > -room, market.A * jnp.exp(-market.k * ask), 0.0)
    return bid, ask, buys, sells


def filled(market: Market, held: Holding, bid: Array, ask: Array, buy: Array, sell: Array) -> Holding:
    """Book fills, the buy first where there are both.

    Parameters
    ----------
    market : Market
        The truth.
    held : Holding
        Before the fills.
    bid, ask : array, shape (leaf,)
        Depths, price.
    buy, sell : array of bool, shape (leaf,)
        Which paths are filled.
    """
    q = held.q + jnp.where(buy, market.lot, 0.0)
    after = q - jnp.where(sell, market.lot, 0.0)
    bought, sold = _gain(market, bid, -q), _gain(market, ask, after)
    gain = jnp.where(buy, bought, 0.0) + jnp.where(sell, sold, 0.0)
    return Holding(after, held.pnl + gain, held.fills + buy + sell)


def moved(market: Market, held: Holding, seconds: Array, shock: Array) -> Holding:
    """Let the mid move: by its drift, and by its volatility times a shock.

    Parameters
    ----------
    market : Market
        The truth.
    held : Holding
        Before the move.
    seconds, shock : array
        Time that passes, and a number of mean 0 and variance 1.
    """
    by = market.sigma * jnp.sqrt(seconds) * shock
    return held._replace(pnl=held.pnl + held.q * (by if market.mu is None else by + market.mu * seconds))


def _gain(market: Market, depth: Array, with_impact: Array) -> Array:
    """Gain of a fill: its depth, less its cost, and the move that it brings to what is then held."""
    each = market.lot * (depth if market.cost is None else depth - market.cost)
    return each if market.impact is None else each + with_impact * market.impact
