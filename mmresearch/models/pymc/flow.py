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

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.pymc.recursions import log_likelihood
from mmresearch.models.series import SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import flow_weights
from mmresearch.models.series_priors import FlowPriors


def hawkes(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    excitation: bool = True,
    pooling: bool = True,
    priors: FlowPriors | None = None,
) -> pm.Model:
    """Hierarchical Hawkes model of trades.

    Parameters
    ----------
    evidence : SeriesEvidence
        Event times by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    excitation : bool
        Let trades bring others; without it they come by themselves, at a steady rate (Poisson), and the rate is all
        that is reported.
    pooling : bool
        Let assets share a population.
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
    weights = flow_weights(evidence, *spreads(pooling, p.mu, p.n, p.beta))
    weight, weight_n, weight_beta = (fixed(parameterisation, w) for w in weights)
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m_mu, tau_mu = population("mu", p.mu, pooling)
        if not excitation:
            log_mu = effect("log_flow", m_mu, tau_mu, weight)
            mu = pm.Deterministic("hawkes_mu", pm.math.exp(log_mu), dims="asset")
            count, open_s = np.array([(e.ts.size, e.open_s) for e in events]).T
            pm.Potential("events", (count * log_mu - open_s * mu).sum())
            return model
        logit_n = effect("logit_n", *population("n", p.n, pooling), weight_n)
        n = pm.Deterministic("branching", pm.math.invlogit(logit_n), dims="asset")
        log_alone = -pm.math.log1pexp(logit_n)
        log_mu = effect("log_flow", m_mu - log_alone, tau_mu, weight) + log_alone
        mu = pm.Deterministic("hawkes_mu", pm.math.exp(log_mu), dims="asset")
        log_beta = effect("log_beta", *population("beta", p.beta, pooling), weight_beta)
        beta = pm.Deterministic("hawkes_beta", pm.math.exp(log_beta), dims="asset")
        pm.Deterministic("hawkes_alpha", n * beta, dims="asset")
        ts = np.concatenate([e.ts for e in events])
        start = np.cumsum([0, *(e.ts.size for e in events)])
        bounds = [np.array([getattr(e, name) for e in events]) for name in ("open_s", "end_s")]
        pm.Potential("events", log_likelihood("hawkes", mu, n, beta, ts, start, *bounds))
    return model
