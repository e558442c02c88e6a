"""Sizes at the touch whose microprice forgets at a stated rate.

    microprice - mid = half-spread (bid size - ask size) / (bid size + ask size)

is made a Gaussian process x(t) in bps with autocorrelation decay^dt, whatever the spread does: the imbalance is x over
the half-spread of the moment. Sizes are whole lots, some thousands at each touch, so that rounding moves the microprice
by less than a thousandth of the half-spread.

Units: bps of mid, lots.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmresearch.sim.steps import autoregression
from mmresearch.sim.truth import Truth
from mmresearch.tape.mids import FloatArray

#: Lots at both touches together, least and most.
LOTS = (2000, 6000)
#: The microprice stays inside the touch.
LARGEST_IMBALANCE = 0.98


def leaning_sizes(truth: Truth, quotes: pd.DataFrame, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw sizes at bid and ask, in the unit of the tape.

    Parameters
    ----------
    truth : Truth
        Decay and share of the imbalance, half-spread, lot.
    quotes : DataFrame
        Times and prices.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If the truth has no imbalance.
    """
    imbalance = truth.dynamics.imbalance
    if imbalance is None:
        raise ValueError(f"{truth.asset} has no imbalance; give its truth dynamics with one")
    ts, bid, ask = (quotes[name].to_numpy() for name in ("ts", "bid", "ask"))
    x = autoregression(imbalance.decay ** np.diff(ts, prepend=0.0), rng.standard_normal(ts.size))
    half_bps = (ask - bid) / (ask + bid) * 1e4
    lean = np.clip(imbalance.share * truth.half_spread_bps * x / half_bps, -LARGEST_IMBALANCE, LARGEST_IMBALANCE)
    lots = rng.integers(LOTS[0], LOTS[1], ts.size)
    bid_lots = np.rint(0.5 * lots * (1 + lean))
    return bid_lots * truth.lot, (lots - bid_lots) * truth.lot
