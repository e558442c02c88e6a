"""Series seen at the times of quotes, in PyMC: a level that wanders, and a lead that is forgotten.

Local level:  x(t + D) = x(t) + N(0, q_i D),  log mid = x + N(0, r_i);
              log q_i ~ N(m_q, tau_q), log r_i ~ N(m_r, tau_r). The level is integrated out by the Kalman filter,
              from the first observation of each stretch on.
Lead:         x(t + D) ~ N(phi_i^D x(t), v_i (1 - phi_i^{2 D})),  phi = e^-lambda, the exact law of an
              Ornstein-Uhlenbeck process;  log lambda_i ~ N(m_rate, tau_rate), log v_i ~ N(m_v, tau_v).
              Sampled as the diffusion 2 lambda v, ln v_i = ln diffusion_i - ln 2 lambda_i (unit Jacobian): a series
              shorter than its memory tells it, and neither factor.

Inside in bps^2 and seconds; reported in variances of log price, 1e-8 of a bps^2. Sources: Harvey 1989, chapter 3;
Uhlenbeck and Ornstein 1930.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.pymc.recursions import log_likelihood
from mmresearch.models.series import SeriesEvidence, following, of_series, require_any
from mmresearch.models.series_centring import lead_weights, level_weights
from mmresearch.models.series_priors import LeadPriors, LevelPriors


def local_level(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    drift: bool = True,
    pooling: bool = True,
    priors: LevelPriors | None = None,
) -> pm.Model:
    """Hierarchical local-level model of the log mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Log mids of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    drift : bool
        Let the level wander; without it a stretch of quotes has one level, and its noise is all that is reported.
    pooling : bool
        Let assets share a population.
    priors : LevelPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``kalman_q`` (asset), variance of log price per s, and ``kalman_r`` (asset), variance.

    Raises
    ------
    EvidenceError
        If no tape has two quotes that follow each other, or the evidence is not of series.
    """
    series, p = of_series(evidence).level, of_kind(LevelPriors, priors)
    require_any([s.steps for s in series], "two quotes that follow each other")
    weights = level_weights(evidence, *spreads(pooling, p.q, p.r))
    weight_q, weight_r = (fixed(parameterisation, w) for w in weights)
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        q = pt.zeros(len(series))
        if drift:
            q = pm.math.exp(effect("log_q", *population("q", p.q, pooling), weight_q))
            pm.Deterministic("kalman_q", 1e-8 * q, dims="asset")
        r = pm.math.exp(effect("log_r", *population("r", p.r, pooling), weight_r))
        pm.Deterministic("kalman_r", 1e-8 * r, dims="asset")
        gap, y = (np.concatenate([getattr(s, name) for s in series]) for name in ("gap_s", "value_bps"))
        start = np.cumsum([0, *(s.gap_s.size for s in series)])
        pm.Potential("quotes", log_likelihood("local_level", q, r, gap, y, start))
    return model


def microprice_decay(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: LeadPriors | None = None,
) -> pm.Model:
    """Hierarchical model of how fast the microprice forgets its lead over the mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Microprice minus mid of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    pooling : bool
        Let assets share a population.
    priors : LeadPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``microprice_decay`` (asset), the share left after a second, and ``lead_sd_bps`` (asset).

    Raises
    ------
    EvidenceError
        If no tape has two quotes with sizes that follow each other, or the evidence is not of series.
    """
    series, p = of_series(evidence).lead, of_kind(LeadPriors, priors)
    require_any([s.steps for s in series], "two quotes with sizes that follow each other")
    weight, weight_v = (fixed(parameterisation, w) for w in lead_weights(evidence, *spreads(pooling, p.rate, p.v)))
    asset, gap, before, now = following(series)
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        log_rate = effect("log_rate", *population("rate", p.rate, pooling), weight)
        m_v, tau_v = population("v", p.v, pooling)
        log_v = effect("log_diffusion", m_v + np.log(2) + log_rate, tau_v, weight_v) - np.log(2) - log_rate
        rate, v = pm.math.exp(log_rate), pm.math.exp(log_v)
        pm.Deterministic("microprice_decay", pm.math.exp(-rate), dims="asset")
        pm.Deterministic("lead_sd_bps", pm.math.sqrt(v), dims="asset")
        passed = rate[asset] * gap
        variance = -v[asset] * pm.math.expm1(-2 * passed)
        pm.Normal("lead", pm.math.exp(-passed) * before, pm.math.sqrt(variance), observed=now)
    return model
