"""Changes of the market's state, in PyMC: how often changepoints come.

    changes_i ~ Poisson(h_i E_i),   log h_i ~ N(m_h, tau_h)

with E_i the seconds under observation. It is the likelihood of exponential runs between changepoints, h e^{-h run}
each, the last one right-censored, e^{-h run}: they multiply to h^changes e^{-h E}, so counts and exposure suffice.
"""

from __future__ import annotations

import numpy as np
import pymc as pm

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.series import SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import hazard_weights
from mmresearch.models.series_priors import HazardPriors


def bocpd_hazard_rate(
    evidence: SeriesEvidence, *, parameterisation: Parameterisation = "auto", priors: HazardPriors | None = None
) -> pm.Model:
    """Hierarchical model of the rate of changepoints.

    Parameters
    ----------
    evidence : SeriesEvidence
        Changepoints and exposure by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    priors : HazardPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``bocpd_hazard_rate`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If no tape reports changepoints, or the evidence is not of series.
    """
    counts, p = of_series(evidence).changes, of_kind(HazardPriors, priors)
    exposure = np.array([c.exposure_s for c in counts])
    require_any(exposure, "reports of changepoints")
    seen = np.flatnonzero(exposure > 0)
    changes = np.rint([counts[i].changes for i in seen]).astype(int)
    weight = fixed(parameterisation, hazard_weights(evidence))
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        m_h = pm.Normal("m_h", p.h_location, p.h_scale)
        tau_h = pm.LogNormal("tau_h", np.log(p.tau_h_median), p.tau_h_log_sd)
        h = pm.Deterministic("bocpd_hazard_rate", pm.math.exp(effect("log_h", m_h, tau_h, weight)), dims="asset")
        pm.Poisson("changes", h[seen] * exposure[seen], observed=changes)
    return model
