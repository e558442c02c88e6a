"""Flow that excites itself, in PyMC: how many trades come by themselves, how many each brings, for how long.

    lambda_i(t) = mu_i + n_i beta_i sum_{t_j < t} e^{-beta_i (t - t_j)}
    log mu_i ~ N(m_mu, tau_mu),   logit n_i ~ N(m_n, tau_n),   log beta_i ~ N(m_beta, tau_beta)

Sampled as the flow mu_i/(1 - n_i), ln mu_i = ln flow_i + ln(1 - n_i) (unit Jacobian): the number of events tells it
almost by itself. Reported: hawkes_mu, hawkes_alpha = n beta, hawkes_beta (all 1/s), and the branching n. The likelihood
is exact, one pass over the events; nothing before the first of them excites. Sources: Hawkes 1971; Ozaki 1979.
"""

from __future__ import annotations

import numpy as np
import pymc as pm

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.recursions import log_likelihood
from mmresearch.models.series import SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import flow_weights
from mmresearch.models.series_priors import FlowPriors


def hawkes(
    evidence: SeriesEvidence, *, parameterisation: Parameterisation = "auto", priors: FlowPriors | None = None
) -> pm.Model:
    """Hierarchical Hawkes model of trades.

    Parameters
    ----------
    evidence : SeriesEvidence
        Event times by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    priors : FlowPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``hawkes_mu``, ``hawkes_alpha``, ``hawkes_beta`` (asset), 1/s, and ``branching`` (asset).

    Raises
    ------
    EvidenceError
        If no tape has a trade, or the evidence is not of series.
    """
    events, p = of_series(evidence).events, of_kind(FlowPriors, priors)
    require_any([e.ts.size for e in events], "trades")
    weight, weight_n, weight_beta = (fixed(parameterisation, w) for w in flow_weights(evidence))
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m_mu = pm.Normal("m_mu", p.mu_location, p.mu_scale)
        tau_mu = pm.LogNormal("tau_mu", np.log(p.tau_mu_median), p.tau_mu_log_sd)
        m_n = pm.Normal("m_n", p.n_location, p.n_scale)
        tau_n = pm.LogNormal("tau_n", np.log(p.tau_n_median), p.tau_n_log_sd)
        m_beta = pm.Normal("m_beta", p.beta_location, p.beta_scale)
        tau_beta = pm.LogNormal("tau_beta", np.log(p.tau_beta_median), p.tau_beta_log_sd)
        logit_n = effect("logit_n", m_n, tau_n, weight_n)
        n = pm.Deterministic("branching", pm.math.invlogit(logit_n), dims="asset")
        log_alone = -pm.math.log1pexp(logit_n)
        log_mu = effect("log_flow", m_mu - log_alone, tau_mu, weight) + log_alone
        mu = pm.Deterministic("hawkes_mu", pm.math.exp(log_mu), dims="asset")
        log_beta = effect("log_beta", m_beta, tau_beta, weight_beta)
        beta = pm.Deterministic("hawkes_beta", pm.math.exp(log_beta), dims="asset")
        pm.Deterministic("hawkes_alpha", n * beta, dims="asset")
        ts = np.concatenate([e.ts for e in events])
        start = np.cumsum([0, *(e.ts.size for e in events)])
        bounds = [np.array([getattr(e, name) for e in events]) for name in ("open_s", "end_s")]
        pm.Potential("events", log_likelihood("hawkes", mu, n, beta, ts, start, *bounds))
    return model
