"""What fills cost by hour of the day, in PyMC.

    cost_ih = c_i + d_i [h is toxic] + e_ih,   c_i ~ N(m_c, tau_c),  d_i ~ N(m_d, tau_d),  e_ih ~ N(0, c_hour s_i)
    mean of the n_ih fills ~ N(cost_ih, s_ig/sqrt(n_ih)),   their squares ~ s_ig^2 chi-square,   g the kind of hour
    toxic_hour_gamma_mult_i = max(mean toxic cost, small)/max(mean normal cost, small)

Costs are fee plus adverse move after 500 ms, so both can be negative where informed flow is not what fills us; small is
`SMALL_BPS`. The means are over the hours of each kind, weighted by the fills that were seen there (equally, where there
are none), as the conjugate learner pools them. Which hours are toxic is a choice. Means and squares tell expected costs
however skewed single costs are.

The effects e_ih are integrated out of the likelihood; given all else cost_ih is Normal, and is drawn from that law by
standard Normals of its own, which no datum touches.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import hour_weights
from mmresearch.models.feature_data import NORMAL, SMALL_BPS, TOXIC, HourData, hour_data
from mmresearch.models.feature_priors import HourPriors
from mmresearch.models.features import FeatureEvidence, of_features
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population

_KINDS = np.array([NORMAL, TOXIC])


def toxic_hour_gamma_mult(
    evidence: FeatureEvidence,
    *,
    hours: tuple[int, ...] = (6, 7, 14),
    parameterisation: Parameterisation = "auto",
    hour_effects: bool = True,
    pooling: bool = True,
    priors: HourPriors | None = None,
) -> pm.Model:
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
    pymc.Model
        With ``toxic_hour_gamma_mult`` (asset), a ratio, and ``hour_cost_bps`` (asset, hour).

    Raises
    ------
    EvidenceError
        If no touch fill has a known cost, if an asset's costs never vary, or the evidence is not of features.
    ValueError
        If the toxic hours are none, all, or no hours of the day.
    """
    data, p = hour_data(of_features(evidence).hours, hours), of_kind(HourPriors, priors)
    guess = np.exp(p.s.location)
    weights = [fixed(parameterisation, w) for w in hour_weights(data, guess, p.c_median)]
    with pm.Model(
        coords={"asset": list(evidence.assets), "kind": ["normal", "toxic"], "hour": range(data.kind.size)}
    ) as model:
        cost = effect("cost_bps", *population("cost", p.cost, pooling), weights[0])
        extra = effect("extra_bps", *population("extra", p.extra, pooling), weights[1])
        log_s = effect("log_s", *population("s", p.s, pooling), weights[2])
        log_ratio = effect("log_s_ratio", *population("s_ratio", p.s_ratio, pooling), weights[3])
        by_hour = cost[:, None] + extra[:, None] * data.kind
        pm.Deterministic("cost_scale_bps", _scale(log_s, log_ratio, _KINDS), dims=("asset", "kind"))
        pm.Deterministic("kind_cost_bps", cost[:, None] + extra[:, None] * _KINDS, dims=("asset", "kind"))
        if hour_effects:
            c = pm.LogNormal("c_hour", np.log(p.c_median), p.c_log_sd)
            spread = c * pm.math.exp(log_s)
            _observe(data, (cost, extra, log_s, log_ratio), spread)
            by_hour = _drawn_hours(data, by_hour, _scale(log_s, log_ratio, data.kind), spread[:, None])
        else:
            _observe(data, (cost, extra, log_s, log_ratio), None)
        pm.Deterministic("hour_cost_bps", by_hour, dims=("asset", "hour"))
        mean = [pm.math.maximum((by_hour * data.share[:, g]).sum(axis=1), SMALL_BPS) for g in (NORMAL, TOXIC)]
        pm.Deterministic("toxic_hour_gamma_mult", mean[TOXIC] / mean[NORMAL], dims="asset")
    return model


def _scale(log_s: TensorVariable, log_ratio: TensorVariable, kind: NDArray[np.intp]) -> TensorVariable:
    """Sd of a single cost, by asset and kind of hour."""
    return pm.math.exp(log_s[:, None] + log_ratio[:, None] * kind)


def _observe(data: HourData, effects: tuple[TensorVariable, ...], spread: TensorVariable | None) -> None:
    """Means of hours, and squares of kinds of hours, row by row: such a program compiles faster than one of grids."""
    cost, extra, log_s, log_ratio = effects
    i, h = np.nonzero(data.n > 0)
    kind = data.kind[h]
    variance = pm.math.exp(2 * (log_s[i] + log_ratio[i] * kind)) / data.n[i, h]
    if spread is not None:
        variance = variance + spread[i] ** 2
    pm.Normal("mean", cost[i] + extra[i] * kind, pm.math.sqrt(variance), observed=data.mean_bps[i, h])
    j, g = np.nonzero(data.dof > 0)
    rate = pm.math.exp(-2 * (log_s[j] + log_ratio[j] * g)) / 2
    pm.Gamma("m2", alpha=data.dof[j, g] / 2, beta=rate, observed=data.m2_bps2[j, g])


def _drawn_hours(data: HourData, by_hour: TensorVariable, s: TensorVariable, spread: TensorVariable) -> TensorVariable:
    """Costs by hour, drawn given those of kinds of hours, the spreads and the fills."""
    z = pm.Normal("z_hour", 0.0, 1.0, dims=("asset", "hour"))
    told = data.n / s**2
    gain = told / (told + 1 / spread**2)
    return by_hour + gain * (data.mean_bps - by_hour) + spread * pm.math.sqrt(1 - gain) * z
