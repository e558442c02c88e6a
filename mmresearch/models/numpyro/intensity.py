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

from mmresearch.models.centring import Parameterisation, depth_weights, fixed, walk_weights
from mmresearch.models.data import DepthData, WalkData, depth_data, walk_data
from mmresearch.models.numpyro.effects import BetaBinomial, effect
from mmresearch.models.priors import KappaPriors, WalkPriors, of_kind
from mmresearch.tape.evidence import Evidence, WalkCounts


def kappa(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    window_effect: bool = True,
    priors: KappaPriors | WalkPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of kappa and A.

    Parameters
    ----------
    evidence : Evidence
        Depth counts (own fills) or walk counts (trade tapes), one kind for all assets.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp. Windows are non-centred.
    window_effect : bool
        Let intensity and decay wander between windows; of trade tapes the decay only: their orders come in bursts.
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
        return _walk_model(walk_data(evidence, window_effect), parameterisation, window_effect, given)
    chosen = of_kind(KappaPriors, priors)
    return _fill_model(depth_data(evidence, window_effect), parameterisation, window_effect, chosen)


def _fill_model(
    data: DepthData, parameterisation: Parameterisation, window_effect: bool, p: KappaPriors
) -> Callable[[], None]:
    weight, weight_rate = (fixed(parameterisation, w) for w in depth_weights(data))
    n_assets, reference = len(data.assets), data.reference_bps
    with np.errstate(divide="ignore"):
        log_exposure = np.log(data.exposure_s)

    def model() -> None:
        mu_kappa = numpyro.sample("mu_kappa", dist.Normal(p.mu_kappa_location, p.mu_kappa_scale))
        mu_A = numpyro.sample("mu_A", dist.Normal(p.mu_A_location, p.mu_A_scale))
        tau_kappa = numpyro.sample("tau_kappa", dist.LogNormal(jnp.log(p.tau_kappa_median), p.tau_kappa_log_sd))
        tau_A = numpyro.sample("tau_A", dist.LogNormal(jnp.log(p.tau_A_median), p.tau_A_log_sd))
        corr = 2 * numpyro.sample("corr_unit", dist.Beta(p.corr_shape, p.corr_shape)) - 1
        with numpyro.plate("asset", n_assets):
            log_kappa = effect("log_kappa", mu_kappa, tau_kappa, weight)
            shift = reference * jnp.exp(log_kappa)
            given = mu_A + tau_A * corr * (log_kappa - mu_kappa) / tau_kappa
            log_rate = effect("log_rate", given - shift, tau_A * jnp.sqrt(1 - corr**2), weight_rate)
            log_A = log_rate + shift
            numpyro.deterministic("kappa", 1e4 * jnp.exp(log_kappa))
            numpyro.deterministic("A", jnp.exp(log_A))
        decay = k = jnp.exp(log_kappa[data.asset])
        if window_effect:
            size = numpyro.sample("wander_kappa", dist.HalfNormal(p.wander_kappa_scale))
            burst = numpyro.sample("burst", dist.HalfNormal(p.burst_scale))
            cells = dist.Normal(0.0, 1.0).expand([n_assets, data.n_windows]).to_event(2)
            k = k * jnp.exp(size * numpyro.sample("w_kappa", cells)[data.asset, data.window])
        slope = k[:, None]
        within = jnp.square(slope) * data.variance_bps2 / jnp.sqrt(4 + jnp.square(slope) * data.variance_bps2)
        log_reach = logsumexp(log_exposure - slope * data.depth_bps + within, axis=1)
        # The intensity at the mid is one in all windows but for their Gamma; rates are at the reference depth.
        at_mid = log_rate[data.asset] + reference[data.asset] * decay
        mean = jnp.exp(at_mid - reference[data.asset] * k + log_reach)
        law = (
            dist.NegativeBinomial2(mean, 1 / (jnp.square(burst) + p.burst_floor))
            if window_effect
            else dist.Poisson(mean)
        )
        with numpyro.plate("row", data.asset.size):
            numpyro.sample("fills", law, obs=data.fills)
        numpyro.factor("depths", -jnp.sum(k * data.travelled_bps + data.fills * log_reach))

    return model


def _walk_model(
    data: WalkData, parameterisation: Parameterisation, window_effect: bool, p: WalkPriors
) -> Callable[[], None]:
    weight, weight_p, weight_rate = (fixed(parameterisation, w) for w in walk_weights(data))
    n_assets, half = len(data.assets), data.half_spread_bps

    def model() -> None:
        mu_kappa = numpyro.sample("mu_kappa", dist.Normal(p.mu_kappa_location, p.mu_kappa_scale))
        tau_kappa = numpyro.sample("tau_kappa", dist.LogNormal(jnp.log(p.tau_kappa_median), p.tau_kappa_log_sd))
        mu_p = numpyro.sample("mu_p", dist.Normal(p.mu_p_location, p.mu_p_scale))
        tau_p = numpyro.sample("tau_p", dist.LogNormal(jnp.log(p.tau_p_median), p.tau_p_log_sd))
        mu_rate = numpyro.sample("mu_rate", dist.Normal(p.mu_rate_location, p.mu_rate_scale))
        tau_rate = numpyro.sample("tau_rate", dist.LogNormal(jnp.log(p.tau_rate_median), p.tau_rate_log_sd))
        with numpyro.plate("asset", n_assets):
            log_kappa = effect("log_kappa", mu_kappa, tau_kappa, weight)
            walks = expit(effect("logit_p", mu_p, tau_p, weight_p))
            rate = jnp.exp(effect("log_rate", mu_rate, tau_rate, weight_rate))
            numpyro.deterministic("kappa", 1e4 * jnp.exp(log_kappa))
            numpyro.deterministic("order_rate", rate)
            numpyro.deterministic("walk_probability", walks)
            numpyro.deterministic("A", walks * rate * jnp.exp(half * jnp.exp(log_kappa)))
        rho = numpyro.sample("rho", dist.Beta(p.rho_a, p.rho_b))
        burst = numpyro.sample("burst", dist.HalfNormal(p.burst_scale))
        walk, strength = walks[data.asset], (1 - rho) / (p.rho_floor + rho)
        with numpyro.plate("row", data.asset.size):
            arrivals = dist.NegativeBinomial2(
                2 * data.seconds * rate[data.asset], 1 / (jnp.square(burst) + p.burst_floor)
            )
            numpyro.sample("orders", arrivals, obs=data.orders)
            law = BetaBinomial(walk * strength, (1 - walk) * strength, data.orders)
            numpyro.sample("beyond", law, obs=data.beyond)
        decay = log_kappa[data.asset]
        if window_effect:
            size = numpyro.sample("wander_kappa", dist.HalfNormal(p.wander_kappa_scale))
            cells = dist.Normal(0.0, 1.0).expand([n_assets, data.n_windows]).to_event(2)
            decay = decay + size * numpyro.sample("w_kappa", cells)[data.asset, data.window]
        k = jnp.exp(decay)
        ratio = -jnp.expm1(-k * data.tick_bps) / data.tick_bps
        numpyro.factor("excess", jnp.sum(data.beyond * jnp.log(ratio) - k * data.excess_bps))

    return model
