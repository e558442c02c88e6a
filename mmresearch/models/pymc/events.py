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

from mmresearch.models.centring import Parameterisation, fixed, label_weights, markout_weights
from mmresearch.models.data import label_data, markout_data
from mmresearch.models.priors import AlphaPriors, FloorPriors
from mmresearch.models.pymc.effects import effect
from mmresearch.tape.evidence import Evidence


def alpha_touch(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    overdispersion: bool = True,
    priors: AlphaPriors | None = None,
) -> pm.Model:
    """Hierarchical model of the probability that a touch fill is informed.

    Parameters
    ----------
    evidence : Evidence
        Label counts by asset and window.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    overdispersion : bool
        Let labels of one window be alike; without it they are independent (binomial).
    priors : AlphaPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``alpha_touch`` (asset), a probability.
    """
    data, p = label_data(evidence), priors or AlphaPriors()
    weight = fixed(parameterisation, label_weights(data))
    with pm.Model(coords={"asset": list(data.assets)}) as model:
        mu = pm.Normal("mu", p.mu_location, p.mu_scale)
        tau = pm.LogNormal("tau", np.log(p.tau_median), p.tau_log_sd)
        logit = effect("logit_alpha", mu, tau, weight)
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
    window_effect: bool = True,
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
    window_effect : bool
        Let the mean move differ between windows.
    priors : FloorPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``spread_floor_bps`` and ``move_scale_bps`` (asset), in bps.
    """
    data, p = markout_data(evidence), priors or FloorPriors()
    weight, weight_s = (fixed(parameterisation, w) for w in markout_weights(data))
    with pm.Model(coords={"asset": list(data.assets)}) as model:
        mu = pm.Normal("mu", p.mu_location, p.mu_scale)
        tau = pm.LogNormal("tau", np.log(p.tau_median), p.tau_log_sd)
        mu_s = pm.Normal("mu_s", p.log_s_location, p.log_s_scale)
        tau_s = pm.LogNormal("tau_s", np.log(p.tau_s_median), p.tau_s_log_sd)
        adverse = effect("adverse_bps", mu, tau, weight)
        s = pm.math.exp(effect("log_s", mu_s, tau_s, weight_s))
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
        known = np.flatnonzero(data.dof > 0)
        pm.Gamma("m2", alpha=data.dof[known] / 2, beta=1 / (2 * s[known] ** 2), observed=data.m2[known])
    return model
