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

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.recursions import log_likelihood
from mmresearch.models.series import SeriesEvidence, following, of_series, require_any
from mmresearch.models.series_centring import lead_weights, level_weights
from mmresearch.models.series_priors import LeadPriors, LevelPriors


def local_level(
    evidence: SeriesEvidence, *, parameterisation: Parameterisation = "auto", priors: LevelPriors | None = None
) -> pm.Model:
    """Hierarchical local-level model of the log mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Log mids of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
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
    weight_q, weight_r = (fixed(parameterisation, w) for w in level_weights(evidence))
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m_q = pm.Normal("m_q", p.q_location, p.q_scale)
        tau_q = pm.LogNormal("tau_q", np.log(p.tau_q_median), p.tau_q_log_sd)
        m_r = pm.Normal("m_r", p.r_location, p.r_scale)
        tau_r = pm.LogNormal("tau_r", np.log(p.tau_r_median), p.tau_r_log_sd)
        q = pm.math.exp(effect("log_q", m_q, tau_q, weight_q))
        r = pm.math.exp(effect("log_r", m_r, tau_r, weight_r))
        pm.Deterministic("kalman_q", 1e-8 * q, dims="asset")
        pm.Deterministic("kalman_r", 1e-8 * r, dims="asset")
        gap, y = (np.concatenate([getattr(s, name) for s in series]) for name in ("gap_s", "value_bps"))
        start = np.cumsum([0, *(s.gap_s.size for s in series)])
        pm.Potential("quotes", log_likelihood("local_level", q, r, gap, y, start))
    return model


def microprice_decay(
    evidence: SeriesEvidence, *, parameterisation: Parameterisation = "auto", priors: LeadPriors | None = None
) -> pm.Model:
    """Hierarchical model of how fast the microprice forgets its lead over the mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Microprice minus mid of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
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
    weight, weight_v = (fixed(parameterisation, w) for w in lead_weights(evidence))
    asset, gap, before, now = following(series)
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m_rate = pm.Normal("m_rate", p.rate_location, p.rate_scale)
        tau_rate = pm.LogNormal("tau_rate", np.log(p.tau_rate_median), p.tau_rate_log_sd)
        m_v = pm.Normal("m_v", p.v_location, p.v_scale)
        tau_v = pm.LogNormal("tau_v", np.log(p.tau_v_median), p.tau_v_log_sd)
        log_rate = effect("log_rate", m_rate, tau_rate, weight)
        log_v = effect("log_diffusion", m_v + np.log(2) + log_rate, tau_v, weight_v) - np.log(2) - log_rate
        rate, v = pm.math.exp(log_rate), pm.math.exp(log_v)
        pm.Deterministic("microprice_decay", pm.math.exp(-rate), dims="asset")
        pm.Deterministic("lead_sd_bps", pm.math.sqrt(v), dims="asset")
        passed = rate[asset] * gap
        variance = -v[asset] * pm.math.expm1(-2 * passed)
        pm.Normal("lead", pm.math.exp(-passed) * before, pm.math.sqrt(variance), observed=now)
    return model
