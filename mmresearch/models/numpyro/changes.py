"""Changes of the market's state, in NumPyro: how often changepoints come.

The same models as `mmresearch.models.pymc.changes`, written independently: that the two log densities agree is the test
of both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.priors import of_kind
from mmresearch.models.series import SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import hazard_weights
from mmresearch.models.series_priors import HazardPriors


def bocpd_hazard_rate(
    evidence: SeriesEvidence, *, parameterisation: Parameterisation = "auto", priors: HazardPriors | None = None
) -> Callable[[], None]:
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
    callable
        A model without arguments, with ``bocpd_hazard_rate`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If no tape reports changepoints, or the evidence is not of series.
    """
    counts, p = of_series(evidence).changes, of_kind(HazardPriors, priors)
    require_any([c.exposure_s for c in counts], "reports of changepoints")
    observed = [(i, round(c.changes), c.exposure_s) for i, c in enumerate(counts) if c.exposure_s > 0]
    place, changes, exposure = (np.array(column) for column in zip(*observed, strict=True))
    weight = fixed(parameterisation, hazard_weights(evidence))

    def model() -> None:
        m_h = numpyro.sample("m_h", dist.Normal(p.h_location, p.h_scale))
        tau_h = numpyro.sample("tau_h", dist.LogNormal(jnp.log(p.tau_h_median), p.tau_h_log_sd))
        with numpyro.plate("asset", len(counts)):
            h = numpyro.deterministic("bocpd_hazard_rate", jnp.exp(effect("log_h", m_h, tau_h, weight)))
        with numpyro.plate("asset_seen", place.size):
            numpyro.sample("changes", dist.Poisson(h[place] * exposure), obs=changes)

    return model
