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

from mmresearch.models.centring import Parameterisation, fixed, label_weights, markout_weights, spreads
from mmresearch.models.data import label_data, markout_data, positive_scale
from mmresearch.models.numpyro.effects import BetaBinomial, effect
from mmresearch.models.numpyro.populations import population_named
from mmresearch.models.priors import AlphaPriors, FloorPriors, of_kind
from mmresearch.tape.evidence import Evidence


def alpha_touch(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    label_error: bool = True,
    overdispersion: bool = True,
    pooling: bool = True,
    priors: AlphaPriors | None = None,
) -> Callable[[], None]:
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
    callable
        A model without arguments, with ``alpha_touch`` (asset), a probability.
    """
    data, p = label_data(evidence, label_error), of_kind(AlphaPriors, priors)
    weight = fixed(parameterisation, label_weights(data, *spreads(pooling, p.alpha)))

    def model() -> None:
        mu, tau = population_named("mu", "tau", p.alpha, pooling)
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
    scale_bps: float | None = None,
    window_effect: bool = True,
    pooling: bool = True,
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
    callable
        A model without arguments, with ``spread_floor_bps`` and ``move_scale_bps`` (asset), in bps.

    Raises
    ------
    ValueError
        If the known scale is not a positive number.
    """
    data, p, known_scale = markout_data(evidence), of_kind(FloorPriors, priors), positive_scale(scale_bps)
    weights = markout_weights(data, *spreads(pooling, p.adverse, p.s))
    weight, weight_s = (fixed(parameterisation, w) for w in weights)
    known = np.flatnonzero(data.dof > 0)

    def model() -> None:
        mu, tau = population_named("mu", "tau", p.adverse, pooling)
        of_s = population_named("mu_s", "tau_s", p.s, pooling) if known_scale is None else None
        with numpyro.plate("asset", len(data.assets)):
            adverse = effect("adverse_bps", mu, tau, weight)
            s = jnp.full(len(data.assets), known_scale or 1.0)
            if of_s is not None:
                s = jnp.exp(effect("log_s", *of_s, weight_s))
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
        if known.size and known_scale is None:
            with numpyro.plate("asset_with_spread", known.size):
                squares = dist.Gamma(data.dof[known] / 2, 0.5 / jnp.square(s[known]))
                numpyro.sample("m2", squares, obs=data.m2[known])

    return model
