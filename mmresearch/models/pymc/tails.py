"""Where falls of open interest become dangerous, in PyMC.

    bad_ij with probability p_i where x_ij <= u_i, and q_i > p_i where x_ij > u_i;   log u_i ~ N(m_u, tau_u)

It covers the whole estimand of the conjugate learner, a change point in the size of a fall, and adds a population. The
chances are integrated out under flat priors and the thresholds summed out over the learner's 400 edges (2.3 % apart;
the Normal is cut to .0001 to 1), so that what is sampled is smooth; u_i is then drawn from its law given all else,
through a standard Normal that no datum touches. How heavy the tail of falls is beyond u_i is not modelled: the estimand
does not ask for it, and a quantile of falls is another quantity, which moves with how often open interest falls a
little.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_data import threshold_table
from mmresearch.models.feature_priors import CascadePriors
from mmresearch.models.features import FeatureEvidence, of_features
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.populations import population


def cascade_oi_threshold(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: CascadePriors | None = None,
) -> pm.Model:
    """Hierarchical model of the fall of open interest beyond which markouts are bad.

    Parameters
    ----------
    evidence : FeatureEvidence
        Falls by size and what followed them, by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Without effect: thresholds are summed out, so there is no form to choose.
    pooling : bool
        Let assets share a population.
    priors : CascadePriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``cascade_oi_threshold`` (asset), a fraction of open interest.

    Raises
    ------
    EvidenceError
        If no tape has a fall of open interest with a minute after it, or the evidence is not of features.
    """
    counts, p = of_features(evidence).falls, of_kind(CascadePriors, priors)
    log_u, table = threshold_table(counts)
    fixed(parameterisation, np.zeros(len(counts)))
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m, tau = population("u", p.u, pooling)
        log_prior = -0.5 * ((log_u - m) / tau) ** 2
        weighed = log_prior - pm.math.logsumexp(log_prior) + table
        total = pm.math.logsumexp(weighed, axis=1, keepdims=True)
        pm.Potential("falls", total.sum())
        z = pm.Normal("z_u", 0.0, 1.0, dims="asset")
        drawn = _drawn(pm.math.exp(weighed - total), pm.math.invprobit(z)[:, None], log_u)
        pm.Deterministic("cascade_oi_threshold", pm.math.exp(drawn), dims="asset")
    return model


def _drawn(mass: TensorVariable, v: TensorVariable, log_u: np.ndarray) -> TensorVariable:
    """Log thresholds at which the distribution function is v, even within the cell about each edge."""
    below = pt.cumsum(mass, axis=1) - mass
    inside = pm.math.clip((v - below) / pm.math.maximum(mass, 1e-300), 0.0, 1.0)
    # Cells below v count whole, the one that holds it in part, those above not at all.
    passed = inside.sum(axis=1) - 0.5
    step = (log_u[-1] - log_u[0]) / (log_u.size - 1)
    return pm.math.clip(log_u[0] + step * passed, log_u[0], log_u[-1])
