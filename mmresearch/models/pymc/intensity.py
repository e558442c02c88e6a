"""Fill intensity: kappa and A from own fills with exposure, or from market orders of a trade tape.

Own fills:   n_iwk ~ Poisson(E_iwk A_iw e^{-kappa_iw d_k}),  (ln kappa_i, ln A_i) ~ bivariate Normal, uncorrelated
             where assets are not pooled. kappa_iw wanders between windows; A_iw is A_i times a Gamma with mean one,
             integrated out: the fills of a window are negative binomial, their depths multinomial. Sampled as the
             intensity at a depth x_i where it is almost independent of kappa, the asset's mean fill depth or nearer:
             ln A_i = ln lambda_i + kappa_i x_i (unit Jacobian).
Trade tapes: a hurdle. P(an order walks past the touch) = p_i; one that walks goes j >= 1 ticks with
             P(at least j) = e^{-kappa tick (j - 1)}; A_i = rate_i p_i e^{kappa_i h_i}.

The reported kappa_i is the median over windows, in 1/(fraction of price); A_i per second and side.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

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
from mmresearch.models.priors import KappaPriors, WalkPriors, of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population_named
from mmresearch.tape.evidence import Evidence, WalkCounts


def kappa(
    evidence: Evidence,
    *,
    parameterisation: Parameterisation = "auto",
    window_effect: bool = True,
    overdispersion: bool = True,
    pooling: bool = True,
    priors: KappaPriors | WalkPriors | None = None,
) -> pm.Model:
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
    pymc.Model
        With ``kappa`` (asset), 1/(fraction of price), and ``A`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If own fills and trade tapes are mixed.
    TypeError
        If the hyperpriors are those of the other kind of evidence.
    """
    if evidence.kappa and isinstance(evidence.kappa[0], WalkCounts):
        given = of_kind(WalkPriors, priors)
        return _from_walks(walk_data(evidence), parameterisation, window_effect, overdispersion, pooling, given)
    chosen, data = of_kind(KappaPriors, priors), depth_data(evidence, window_effect or overdispersion)
    return _from_fills(data, parameterisation, window_effect, overdispersion, pooling, chosen)


def _coords(data: DepthData | WalkData) -> dict[str, list]:
    return {"asset": list(data.assets), "window": list(range(data.n_windows))}


def _from_fills(
    data: DepthData,
    parameterisation: Parameterisation,
    window_effect: bool,
    overdispersion: bool,
    pooling: bool,
    p: KappaPriors,
) -> pm.Model:
    weights = depth_weights(data, *spreads(pooling, p.kappa, p.A))
    weight, weight_rate = (fixed(parameterisation, w) for w in weights)
    weight_window = by_rule(parameterisation, depth_window_weights(data))
    sampled_at = intensity_depth_bps(data, weight_window if window_effect else 0 * weight_window)
    with pm.Model(coords=_coords(data)) as model:
        mu_kappa, tau_kappa = population_named("mu_kappa", "tau_kappa", p.kappa, pooling)
        mu_A, tau_A = population_named("mu_A", "tau_A", p.A, pooling)
        corr = 2 * pm.Beta("corr_unit", p.corr_shape, p.corr_shape) - 1 if pooling else pt.zeros(())
        rest = tau_A * pm.math.sqrt(1 - corr**2)
        log_kappa = effect("log_kappa", mu_kappa, tau_kappa, weight)
        travelled = pm.math.exp(log_kappa) * sampled_at
        expected = mu_A + corr * tau_A / tau_kappa * (log_kappa - mu_kappa)
        log_rate = effect("log_rate", expected - travelled, rest, weight_rate)
        pm.Deterministic("kappa", pm.math.exp(log_kappa) * 1e4, dims="asset")
        pm.Deterministic("A", pm.math.exp(log_rate + travelled), dims="asset")
        decay = log_kappa[data.asset]
        if window_effect:
            wander = pm.HalfNormal("wander_kappa", p.wander_kappa_scale)
            by_window = effect("w_kappa", log_kappa[:, None], wander, weight_window, dims=("asset", "window"))
            decay = by_window[data.asset, data.window]
        k = pm.math.exp(decay)
        reach = (data.exposure_s * pm.math.exp(-k[:, None] * data.depth_bps)).sum(axis=1)
        # A_iw is A_i times a Gamma whatever kappa_iw is, so the intensity at the reference depth moves with kappa_iw.
        mean = pm.math.exp((log_rate + travelled)[data.asset] - k * data.reference_bps[data.asset]) * reach
        if overdispersion:
            burst = pm.HalfNormal("burst", p.burst_scale)
            pm.NegativeBinomial("fills", mu=mean, alpha=1 / (burst**2 + p.burst_floor), observed=data.fills)
        else:
            pm.Poisson("fills", mean, observed=data.fills)
        # Given their number, the depths of a window's fills are multinomial with weights E_k e^{-kappa d_k}.
        pm.Potential("depths", (-k * data.travelled_bps - data.fills * pm.math.log(reach)).sum())
    return model


def _from_walks(
    data: WalkData,
    parameterisation: Parameterisation,
    window_effect: bool,
    overdispersion: bool,
    pooling: bool,
    p: WalkPriors,
) -> pm.Model:
    weights = walk_weights(data, *spreads(pooling, p.kappa, p.p, p.rate))
    weight, weight_p, weight_rate = (fixed(parameterisation, w) for w in weights)
    weight_window = by_rule(parameterisation, walk_window_weights(data))
    with pm.Model(coords=_coords(data)) as model:
        log_kappa = effect("log_kappa", *population_named("mu_kappa", "tau_kappa", p.kappa, pooling), weight)
        walks = pm.math.invlogit(effect("logit_p", *population_named("mu_p", "tau_p", p.p, pooling), weight_p))
        of_rate = population_named("mu_rate", "tau_rate", p.rate, pooling)
        rate = pm.math.exp(effect("log_rate", *of_rate, weight_rate))
        pm.Deterministic("kappa", pm.math.exp(log_kappa) * 1e4, dims="asset")
        pm.Deterministic("order_rate", rate, dims="asset")
        pm.Deterministic("walk_probability", walks, dims="asset")
        pm.Deterministic("A", rate * walks * pm.math.exp(pm.math.exp(log_kappa) * data.half_spread_bps), dims="asset")

        walk, mean = walks[data.asset], 2 * data.seconds * rate[data.asset]
        if overdispersion:
            rho = pm.Beta("rho", p.rho_a, p.rho_b)
            burst = pm.HalfNormal("burst", p.burst_scale)
            strength = (1 - rho) / (rho + p.rho_floor)
            pm.NegativeBinomial("orders", mu=mean, alpha=1 / (burst**2 + p.burst_floor), observed=data.orders)
            pm.BetaBinomial("beyond", walk * strength, (1 - walk) * strength, n=data.orders, observed=data.beyond)
        else:
            pm.Poisson("orders", mean, observed=data.orders)
            pm.Binomial("beyond", n=data.orders, p=walk, observed=data.beyond)
        decay = log_kappa[data.asset]
        if window_effect:
            wander = pm.HalfNormal("wander_kappa", p.wander_kappa_scale)
            by_window = effect("w_kappa", log_kappa[:, None], wander, weight_window, dims=("asset", "window"))
            decay = by_window[data.asset, data.window]
        k = pm.math.exp(decay)
        step = pt.log(-pt.expm1(-k * data.tick_bps)) - np.log(data.tick_bps)
        pm.Potential("excess", (data.beyond * step - k * data.excess_bps).sum())
    return model
