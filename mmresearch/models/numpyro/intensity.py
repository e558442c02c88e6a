"""Fill intensity, in NumPyro: kappa and A from own fills with exposure, or from market orders of a trade tape.

The same models as `mmresearch.models.pymc.intensity`, written independently: that the two log densities agree is the
test of both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import expit, logsumexp
from numpy.typing import ArrayLike

from mmresearch.models.centring import (
    Parameterisation,
    by_rule,
    depth_weights,
    depth_window_weights,
    fixed,
    intensity_depth_bps,
    spreads,
    walk_weights,
    walk_window_weights,
)
from mmresearch.models.data import DepthData, WalkData, depth_data, walk_data
from mmresearch.models.numpyro.effects import BetaBinomial, effect
from mmresearch.models.numpyro.populations import population_named
from mmresearch.models.priors import KappaPriors, WalkPriors, of_kind
from mmresearch.tape.evidence import Evidence, WalkCounts


def kappa(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    window_effect: bool = True,
    overdispersion: bool = True,
    pooling: bool = True,
    priors: KappaPriors | WalkPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of kappa and A.

    Parameters
    ----------
    evidence : Evidence
        Depth counts (own fills) or walk counts (trade tapes), one kind for all assets.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp, and windows too where they
        wander beyond doubt; otherwise windows are non-centred.
    window_effect : bool
        Let the decay wander between windows.
    overdispersion : bool
        Let events come in bursts: numbers of fills (or of market orders, and of those that walk) vary between windows
        more than independent events do.
    pooling : bool
        Let assets share a population.
    priors : KappaPriors or WalkPriors, optional
        Hyperpriors of the kind of evidence.

    Returns
    -------
    callable
        A model without arguments, with ``kappa`` (asset), 1/(fraction of price), and ``A`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If own fills and trade tapes are mixed.
    TypeError
        If the hyperpriors are those of the other kind of evidence.
    """
    if evidence.kappa and isinstance(evidence.kappa[0], WalkCounts):
        given = of_kind(WalkPriors, priors)
        return _walk_model(walk_data(evidence), parameterisation, window_effect, overdispersion, pooling, given)
    chosen, data = of_kind(KappaPriors, priors), depth_data(evidence, window_effect or overdispersion)
    return _fill_model(data, parameterisation, window_effect, overdispersion, pooling, chosen)


def _fill_model(
    data: DepthData,
    parameterisation: Parameterisation,
    window_effect: bool,
    overdispersion: bool,
    pooling: bool,
    p: KappaPriors,
) -> Callable[[], None]:
    weights = depth_weights(data, *spreads(pooling, p.kappa, p.A))
    weight, weight_rate = (fixed(parameterisation, w) for w in weights)
    weight_window = by_rule(parameterisation, depth_window_weights(data))
    near = intensity_depth_bps(data, weight_window if window_effect else 0 * weight_window)
    n_assets, reference = len(data.assets), data.reference_bps
    with np.errstate(divide="ignore"):
        log_exposure = np.log(data.exposure_s)

    def model() -> None:
        mu_kappa, tau_kappa = population_named("mu_kappa", "tau_kappa", p.kappa, pooling)
        mu_A, tau_A = population_named("mu_A", "tau_A", p.A, pooling)
        corr = 2 * numpyro.sample("corr_unit", dist.Beta(p.corr_shape, p.corr_shape)) - 1 if pooling else 0.0
        with numpyro.plate("asset", n_assets):
            log_kappa = effect("log_kappa", mu_kappa, tau_kappa, weight)
            shift = near * jnp.exp(log_kappa)
            given = mu_A + tau_A * corr * (log_kappa - mu_kappa) / tau_kappa
            log_rate = effect("log_rate", given - shift, tau_A * jnp.sqrt(1 - corr**2), weight_rate)
            log_A = log_rate + shift
            numpyro.deterministic("kappa", 1e4 * jnp.exp(log_kappa))
            numpyro.deterministic("A", jnp.exp(log_A))
        k = jnp.exp(log_kappa[data.asset])
        if window_effect:
            size = numpyro.sample("wander_kappa", dist.HalfNormal(p.wander_kappa_scale))
            by_window = effect("w_kappa", log_kappa[:, None], size, weight_window, event_dims=2)
            k = jnp.exp(by_window[data.asset, data.window])
        log_reach = logsumexp(log_exposure - k[:, None] * data.depth_bps, axis=1)
        # The intensity at the mid is one in all windows but for their Gamma; reach is from the reference depth.
        mean = jnp.exp(log_A[data.asset] - reference[data.asset] * k + log_reach)
        law = _counts(mean, overdispersion, p.burst_scale, p.burst_floor)
        with numpyro.plate("row", data.asset.size):
            numpyro.sample("fills", law, obs=data.fills)
        numpyro.factor("depths", -jnp.sum(k * data.travelled_bps + data.fills * log_reach))

    return model


def _counts(mean: ArrayLike, overdispersion: bool, scale: float, floor: float) -> dist.Distribution:
    """Law of numbers of events: negative binomial, its bursts learned, or Poisson."""
    if not overdispersion:
        return dist.Poisson(mean)
    burst = numpyro.sample("burst", dist.HalfNormal(scale))
    return dist.NegativeBinomial2(mean, 1 / (jnp.square(burst) + floor))


def _walk_model(
    data: WalkData,
    parameterisation: Parameterisation,
    window_effect: bool,
    overdispersion: bool,
    pooling: bool,
    p: WalkPriors,
) -> Callable[[], None]:
    weights = walk_weights(data, *spreads(pooling, p.kappa, p.p, p.rate))
    weight, weight_p, weight_rate = (fixed(parameterisation, w) for w in weights)
    weight_window = by_rule(parameterisation, walk_window_weights(data))
    n_assets, half = len(data.assets), data.half_spread_bps

    def model() -> None:
        mu_kappa, tau_kappa = population_named("mu_kappa", "tau_kappa", p.kappa, pooling)
        mu_p, tau_p = population_named("mu_p", "tau_p", p.p, pooling)
        mu_rate, tau_rate = population_named("mu_rate", "tau_rate", p.rate, pooling)
        with numpyro.plate("asset", n_assets):
            log_kappa = effect("log_kappa", mu_kappa, tau_kappa, weight)
            walks = expit(effect("logit_p", mu_p, tau_p, weight_p))
            rate = jnp.exp(effect("log_rate", mu_rate, tau_rate, weight_rate))
            numpyro.deterministic("kappa", 1e4 * jnp.exp(log_kappa))
            numpyro.deterministic("order_rate", rate)
            numpyro.deterministic("walk_probability", walks)
            numpyro.deterministic("A", walks * rate * jnp.exp(half * jnp.exp(log_kappa)))
        arrivals = _counts(2 * data.seconds * rate[data.asset], overdispersion, p.burst_scale, p.burst_floor)
        walk = walks[data.asset]
        if overdispersion:
            rho = numpyro.sample("rho", dist.Beta(p.rho_a, p.rho_b))
            strength = (1 - rho) / (p.rho_floor + rho)
            law = BetaBinomial(walk * strength, (1 - walk) * strength, data.orders)
        else:
            law = dist.BinomialProbs(walk, data.orders)
        with numpyro.plate("row", data.asset.size):
            numpyro.sample("orders", arrivals, obs=data.orders)
            numpyro.sample("beyond", law, obs=data.beyond)
        decay = log_kappa[data.asset]
        if window_effect:
            size = numpyro.sample("wander_kappa", dist.HalfNormal(p.wander_kappa_scale))
            decay = effect("w_kappa", log_kappa[:, None], size, weight_window, event_dims=2)[data.asset, data.window]
        k = jnp.exp(decay)
        ratio = -jnp.expm1(-k * data.tick_bps) / data.tick_bps
        numpyro.factor("excess", jnp.sum(data.beyond * jnp.log(ratio) - k * data.excess_bps))

    return model
