"""Events at the touch: how often they are informed, and what they cost.

alpha_touch:       logit alpha_i ~ N(mu, tau);  labels in window w ~ BetaBinomial with mean
                   theta_i = phi_i + alpha_i (1 - phi_i) and intra-class correlation rho: labels of a window are alike.
spread_floor_bps:  AS_i ~ N(mu, tau);  mean move in window w ~ N(AS_i, s_i sqrt(1/n + c^2)), s_i unknown;
                   floor_i = fee_i + AS_i. Window effects are integrated out.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from mmresearch.models.centring import Parameterisation, fixed, label_weights, markout_weights, spreads
from mmresearch.models.data import label_data, markout_data, positive_scale
from mmresearch.models.priors import AlphaPriors, FloorPriors, of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population_named
from mmresearch.tape.evidence import Evidence


def alpha_touch(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    label_error: bool = True,
    overdispersion: bool = True,
    pooling: bool = True,
    priors: AlphaPriors | None = None,
) -> pm.Model:
    """Hierarchical model of the probability that a touch fill is informed.

    Parameters
    ----------
    evidence : Evidence
        Label counts by asset and window.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    label_error : bool
        Let labels fire without information as often as quiet moves do; without it each is taken at its word.
    overdispersion : bool
        Let labels of one window be alike; without it they are independent (binomial).
    pooling : bool
        Let assets share a population.
    priors : AlphaPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``alpha_touch`` (asset), a probability.
    """
    data, p = label_data(evidence, label_error), of_kind(AlphaPriors, priors)
    weight = fixed(parameterisation, label_weights(data, *spreads(pooling, p.alpha)))
    with pm.Model(coords={"asset": list(data.assets)}) as model:
        logit = effect("logit_alpha", *population_named("mu", "tau", p.alpha, pooling), weight)
        alpha = pm.Deterministic("alpha_touch", pm.math.invlogit(logit), dims="asset")
        theta = (data.false_positive + alpha * (1 - data.false_positive))[data.asset]
        if overdispersion:
            rho = pm.Beta("rho", p.rho_a, p.rho_b)
            strength = (1 - rho) / (rho + p.rho_floor)
            pm.BetaBinomial("informed", theta * strength, (1 - theta) * strength, n=data.total, observed=data.informed)
        else:
            pm.Binomial("informed", n=data.total, p=theta, observed=data.informed)
    return model


def spread_floor_bps(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Literal["normal", "student_t"] = "normal",
    scale_bps: float | None = None,
    window_effect: bool = True,
    pooling: bool = True,
    priors: FloorPriors | None = None,
) -> pm.Model:
    """Hierarchical model of the least half-spread that pays.

    Parameters
    ----------
    evidence : Evidence
        Moves 500 ms after touch fills, by asset and window.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"normal", "student_t"}
        "normal" uses window means and squares, so it targets the *mean* however skewed the moves are. "student_t" is a
        location model of single moves, for symmetric heavy tails only: informed jumps make moves skewed, and then a
        location is not the mean. It has no window effect.
    scale_bps : float, optional
        Scale of one fill's move where it is taken as known, the same for all assets (bps); otherwise it is learned.
    window_effect : bool
        Let the mean move differ between windows.
    pooling : bool
        Let assets share a population.
    priors : FloorPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``spread_floor_bps`` and ``move_scale_bps`` (asset), in bps.

    Raises
    ------
    ValueError
        If the known scale is not a positive number.
    """
    data, p, known_scale = markout_data(evidence), of_kind(FloorPriors, priors), positive_scale(scale_bps)
    weights = markout_weights(data, *spreads(pooling, p.adverse, p.s))
    weight, weight_s = (fixed(parameterisation, w) for w in weights)
    with pm.Model(coords={"asset": list(data.assets)}) as model:
        adverse = effect("adverse_bps", *population_named("mu", "tau", p.adverse, pooling), weight)
        if known_scale is None:
            s = pm.math.exp(effect("log_s", *population_named("mu_s", "tau_s", p.s, pooling), weight_s))
        else:
            s = pt.full(len(data.assets), known_scale)
        pm.Deterministic("spread_floor_bps", data.fee_bps + adverse, dims="asset")
        pm.Deterministic("move_scale_bps", s, dims="asset")
        if noise == "student_t":
            nu = 2 + pm.Exponential("nu_minus_two", 0.1)
            i = data.value_asset
            pm.StudentT("moves", nu=nu, mu=adverse[i], sigma=s[i], observed=data.values_bps)
            return model
        variance = 1 / data.n
        if window_effect:
            variance = variance + pm.HalfNormal("c", p.c_scale) ** 2
        pm.Normal("mean", adverse[data.asset], s[data.asset] * pm.math.sqrt(variance), observed=data.mean_bps)
        if known_scale is None:
            known = np.flatnonzero(data.dof > 0)
            pm.Gamma("m2", alpha=data.dof[known] / 2, beta=1 / (2 * s[known] ** 2), observed=data.m2[known])
    return model
