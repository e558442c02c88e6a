"""What fills cost by hour of the day, in NumPyro.

The same model as `mmresearch.models.pymc.hours`, written independently: that the two log densities agree is the test of
both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import hour_weights
from mmresearch.models.feature_data import SMALL_BPS, HourData, hour_data
from mmresearch.models.feature_priors import HourPriors
from mmresearch.models.features import FeatureEvidence, of_features
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.priors import of_kind


def toxic_hour_gamma_mult(
    evidence: FeatureEvidence,
    *,
    hours: tuple[int, ...] = (6, 7, 14),
    parameterisation: Parameterisation = "auto",
    hour_effects: bool = True,
    pooling: bool = True,
    priors: HourPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of what fills cost in toxic hours over what they cost in the others.

    Parameters
    ----------
    evidence : FeatureEvidence
        Costs of touch fills by asset and hour.
    hours : tuple of int
        Which hours of the day are toxic (UTC).
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the effects; "auto" centres each as far as its data are sharp.
    hour_effects : bool
        Let hours of one kind differ; otherwise they are pooled, as the conjugate learner does.
    pooling : bool
        Let assets share a population.
    priors : HourPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``toxic_hour_gamma_mult`` (asset), a ratio, and ``hour_cost_bps``
        (asset, hour).

    Raises
    ------
    EvidenceError
        If no touch fill has a known cost, if an asset's costs never vary, or the evidence is not of features.
    ValueError
        If the toxic hours are none, all, or no hours of the day.
    """
    data, p = hour_data(of_features(evidence).hours, hours), of_kind(HourPriors, priors)
    weight, weight_extra, weight_s, weight_ratio = (
        fixed(parameterisation, w) for w in hour_weights(data, np.exp(p.s.location), p.c_median)
    )
    toxic = data.kind == 1

    def model() -> None:
        m_cost, tau_cost = population("cost", p.cost, pooling)
        m_extra, tau_extra = population("extra", p.extra, pooling)
        (m_s, tau_s), (m_ratio, tau_ratio) = population("s", p.s, pooling), population("s_ratio", p.s_ratio, pooling)
        with numpyro.plate("asset", len(data.n)):
            normal = effect("cost_bps", m_cost, tau_cost, weight)
            added = effect("extra_bps", m_extra, tau_extra, weight_extra)
            log_s = effect("log_s", m_s, tau_s, weight_s)
            s_normal = jnp.exp(log_s)
            s_toxic = jnp.exp(log_s + effect("log_s_ratio", m_ratio, tau_ratio, weight_ratio))
        cost = jnp.where(toxic, (normal + added)[:, None], normal[:, None])
        s = jnp.stack([s_normal, s_toxic], axis=1)
        numpyro.deterministic("cost_scale_bps", s)
        numpyro.deterministic("kind_cost_bps", jnp.stack([normal, normal + added], axis=1))
        if hour_effects:
            c = numpyro.sample("c_hour", dist.LogNormal(jnp.log(p.c_median), p.c_log_sd))
            cost = _hours(data, cost, s, c * s_normal)
        else:
            _observe(data, cost, s, jnp.zeros(len(data.n)))
        numpyro.deterministic("hour_cost_bps", cost)
        expected = jnp.maximum(jnp.einsum("ih,igh->gi", cost, data.share), SMALL_BPS)
        numpyro.deterministic("toxic_hour_gamma_mult", expected[1] / expected[0])

    return model


def _hours(data: HourData, cost: Array, s: Array, spread: Array) -> Array:
    """Observe costs, hours integrated out, and draw the hours from what is then known of them."""
    _observe(data, cost, s, spread)
    with numpyro.plate("asset_by_hour", len(data.n), dim=-2), numpyro.plate("hour", data.kind.size, dim=-1):
        z = numpyro.sample("z_hour", dist.Normal(0.0, 1.0))
    # Precisions of the hour's own fills and of its kind add.
    own, kind = data.n / jnp.square(s[:, data.kind]), jnp.square(spread)[:, None] ** -1
    return (own * data.mean_bps + kind * cost) / (own + kind) + z * (own + kind) ** -0.5


def _observe(data: HourData, cost: Array, s: Array, spread: Array) -> None:
    """Means of hours, and squares of kinds of hours."""
    seen, known = np.nonzero(data.n), data.dof > 0
    asset, hour = seen
    with numpyro.plate("hour_seen", asset.size):
        width = jnp.hypot(s[asset, data.kind[hour]] * data.n[seen] ** -0.5, spread[asset])
        numpyro.sample("mean", dist.Normal(cost[seen], width), obs=data.mean_bps[seen])
    if known.any():
        with numpyro.plate("kind_with_spread", int(known.sum())):
            squares = dist.Gamma(0.5 * data.dof[known], 0.5 / jnp.square(s[known]))
            numpyro.sample("m2", squares, obs=data.m2_bps2[known])
