"""Hidden regimes in returns and spreads, in PyMC: how long the market stays calm, or lively.

    P(same regime a second later) = p_i, all others alike;   logit p_i ~ N(m_stay, tau_stay)
    return | k ~ (1 - e_i) N(0, s_ik^2 + rounding^2) + e_i N(0, B_i^2),   ln spread | k ~ N(m_ik, u_i^2 + rounding^2)
    ln s_ik and m_ik both increase with k

Seconds without a row are stepped over by the chain; a new start finds every regime alike. Returns and
spreads are known to the rounding of quotes to the tick, or a mid that stands still in some seconds would be a regime of
its own, infinitely likely. B, a return that belongs to no regime, is the learner's. Both means are ordered, or regimes
would have no names: a lively one has no smaller spread. States are summed out by the forward algorithm.
Sources: Baum et al. 1970; Rabiner 1989.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.pymc.recursions import log_likelihood
from mmresearch.models.series import SeriesEvidence, of_series, regimes_seen
from mmresearch.models.series_centring import regime_weights
from mmresearch.models.series_priors import RegimePriors


def regime_sticky_diagonal(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: RegimePriors | None = None,
    states: int = 2,
) -> pm.Model:
    """Hierarchical hidden Markov model of volatility and spread.

    Parameters
    ----------
    evidence : SeriesEvidence
        Returns and spreads by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    pooling : bool
        Let assets share a population of the probability of staying; what a regime looks like is each asset's own.
    priors : RegimePriors, optional
        Hyperpriors.
    states : int
        Regimes, 2 to 4.

    Returns
    -------
    pymc.Model
        With ``regime_sticky_diagonal`` (asset), the probability of staying in a regime for a second.

    Raises
    ------
    EvidenceError
        If no tape has a mid that moves, if there are less than 2 or more than 4 states, or the evidence is not of
        series.
    """
    series, p = of_series(evidence).regimes, of_kind(RegimePriors, priors)
    seen = regimes_seen(series, states)
    weight = fixed(parameterisation, regime_weights(evidence, *spreads(pooling, p.stay)))
    with pm.Model(coords={"asset": list(evidence.assets), "step": np.arange(1, states)}) as model:
        stay = pm.math.invlogit(effect("logit_stay", *population("stay", p.stay, pooling), weight))
        pm.Deterministic("regime_sticky_diagonal", stay, dims="asset")
        calm = pm.Normal("log_calm", p.calm_location, p.calm_scale, dims="asset")
        rise = pm.HalfNormal("rise", p.rise_scale, dims=("asset", "step"))
        narrow = pm.Normal("narrow", p.narrow_location, p.narrow_scale, dims="asset")
        widen = pm.HalfNormal("widen", p.widen_scale, dims=("asset", "step"))
        own = pm.Normal("log_scatter", p.scatter_location, p.scatter_scale, dims="asset")
        jumps = pm.Beta("jumps", p.jump_a, p.jump_b, dims="asset")
        least = np.array([s.least_sd for s in series])[seen]
        scatter = pm.math.sqrt(pm.math.exp(2 * own[seen]) + least**2)
        rounding = np.array([s.least_return for s in series])[seen, None]
        level = 0.5 * pm.math.log(pm.math.exp(2 * _ladder(calm, rise)[seen]) + rounding**2)
        emissions = level, _ladder(narrow, widen)[seen], scatter, jumps[seen]
        rows = [np.concatenate([getattr(series[i], k) for i in seen]) for k in ("gap_s", "returns", "log_spread")]
        start = np.cumsum([0, *(series[i].gap_s.size for i in seen)])
        jump = np.array([series[i].jump for i in seen])
        pm.Potential("seconds", log_likelihood("hidden_regimes", stay[seen], *emissions, *rows, jump, start))
    return model


def _ladder(lowest: TensorVariable, steps: TensorVariable) -> TensorVariable:
    """Levels of all regimes, from the lowest and the steps between them; shape (assets, states)."""
    return pt.concatenate([lowest[:, None], lowest[:, None] + pt.cumsum(steps, axis=1)], axis=1)
