"""Events at the touch, in NumPyro: how often they are informed, and what they cost.

The same models as `mmresearch.models.pymc.events`, written independently: that the two log densities agree is the
test of both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import expit

from mmresearch.models.centring import Parameterisation, fixed, label_weights, markout_weights
from mmresearch.models.data import label_data, markout_data
from mmresearch.models.numpyro.effects import BetaBinomial, effect
from mmresearch.models.priors import AlphaPriors, FloorPriors
from mmresearch.tape.evidence import Evidence


def alpha_touch(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    overdispersion: bool = True,
    priors: AlphaPriors | None = None,
) -> Callable[[], None]:
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
    callable
        A model without arguments, with ``alpha_touch`` (asset), a probability.
    """
    data, p = label_data(evidence), priors or AlphaPriors()
    weight = fixed(parameterisation, label_weights(data))

    def model() -> None:
        mu = numpyro.sample("mu", dist.Normal(p.mu_location, p.mu_scale))
        tau = numpyro.sample("tau", dist.LogNormal(jnp.log(p.tau_median), p.tau_log_sd))
        with numpyro.plate("asset", len(data.assets)):
            logit = effect("logit_alpha", mu, tau, weight)
            alpha = numpyro.deterministic("alpha_touch", expit(logit))
        rho = numpyro.sample("rho", dist.Beta(p.rho_a, p.rho_b)) if overdispersion else None
        if not data.asset.size:
            return  # no plate may be empty; without a label the posterior is the prior
        noise = jnp.asarray(data.false_positive)
        theta = (noise + (1 - noise) * alpha)[data.asset]
        if rho is not None:
            strength = (1 - rho) / (p.rho_floor + rho)
            law = BetaBinomial(theta * strength, (1 - theta) * strength, data.total)
        else:
            law = dist.BinomialProbs(theta, data.total)
        with numpyro.plate("label_row", data.asset.size):
            numpyro.sample("informed", law, obs=data.informed)

    return model


def spread_floor_bps(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Literal["normal", "student_t"] = "normal",
    window_effect: bool = True,
    priors: FloorPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of the least half-spread that pays.

    Parameters
    ----------
    evidence : Evidence
        Moves 500 ms after touch fills, by asset and window.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"normal", "student_t"}
        Window means and squares (targets the mean), or single moves (targets a location); see the PyMC twin.
    window_effect : bool
        Let the mean move differ between windows.
    priors : FloorPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``spread_floor_bps`` and ``move_scale_bps`` (asset), in bps.
    """
    data, p = markout_data(evidence), priors or FloorPriors()
    weight, weight_s = (fixed(parameterisation, w) for w in markout_weights(data))
    known = np.flatnonzero(data.dof > 0)

    def model() -> None:
        mu = numpyro.sample("mu", dist.Normal(p.mu_location, p.mu_scale))
        tau = numpyro.sample("tau", dist.LogNormal(jnp.log(p.tau_median), p.tau_log_sd))
        mu_s = numpyro.sample("mu_s", dist.Normal(p.log_s_location, p.log_s_scale))
        tau_s = numpyro.sample("tau_s", dist.LogNormal(jnp.log(p.tau_s_median), p.tau_s_log_sd))
        with numpyro.plate("asset", len(data.assets)):
            adverse = effect("adverse_bps", mu, tau, weight)
            s = jnp.exp(effect("log_s", mu_s, tau_s, weight_s))
            numpyro.deterministic("spread_floor_bps", jnp.asarray(data.fee_bps) + adverse)
            numpyro.deterministic("move_scale_bps", s)
        if noise == "student_t":
            nu = 2 + numpyro.sample("nu_minus_two", dist.Exponential(0.1))
            i = data.value_asset
            if i.size:
                with numpyro.plate("fill", i.size):
                    numpyro.sample("moves", dist.StudentT(nu, adverse[i], s[i]), obs=data.values_bps)
            return
        spread = 1 / data.n
        if window_effect:
            spread = spread + jnp.square(numpyro.sample("c", dist.HalfNormal(p.c_scale)))
        if data.asset.size:
            with numpyro.plate("window_row", data.asset.size):
                law = dist.Normal(adverse[data.asset], s[data.asset] * jnp.sqrt(spread))
                numpyro.sample("mean", law, obs=data.mean_bps)
        if known.size:
            with numpyro.plate("asset_with_spread", known.size):
                squares = dist.Gamma(data.dof[known] / 2, 0.5 / jnp.square(s[known]))
                numpyro.sample("m2", squares, obs=data.m2[known])

    return model
