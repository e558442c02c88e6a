"""The population from which the truths of several assets come.

(ln kappa, ln A) ~ bivariate Normal,   logit alpha ~ Normal,   ln sigma, ln adverse move ~ Normal

Features that go beyond these come from a population of their own, see `mmresearch.sim.feature_population`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from mmresearch.sim.dynamics import OFF
from mmresearch.sim.feature_population import FeatureHyper, draw_dynamics
from mmresearch.sim.truth import Truth

NAMES = ("ALFA", "BRAV", "CHAR", "DELT", "ECHO", "FOXT", "GOLF", "HOTL")
_PRICES = (61000.0, 2450.0, 142.0, 585.0, 0.186, 23.4, 7.15, 1180.0)
_TICKS_BPS = (1.0, 0.5, 1.0, 2.0, 1.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Hyper:
    """Medians and spreads of the population.

    Attributes
    ----------
    kappa, kappa_log_sd : float
        Median, 1/(fraction of price), and sd of its logarithm.
    A, A_log_sd, correlation : float
        Median intensity at the mid (1/s per side), sd of its logarithm, correlation with log kappa.
    alpha, alpha_logit_sd : float
        Median probability that a touch fill is informed, sd of its logit.
    sigma_bps_per_sqrt_s, sigma_log_sd : float
        Median volatility and sd of its logarithm.
    adverse_bps, adverse_log_sd, adverse_cv : float
        Median jump after an informed fill, sd of its logarithm over assets, and sd over mean within one.
    alpha_decay_bps : float
        How fast fills beyond the touch cease to be informed, the same for all assets; infinite for not at all.
    tick_ratio : float
        By what the ticks of the assets are multiplied: below 1 they are finer, and quotes round less.
    features : FeatureHyper
        Which features the assets have, and how they vary.
    """

    kappa: float = 2000.0
    kappa_log_sd: float = 0.5
    A: float = 0.6
    A_log_sd: float = 0.4
    correlation: float = 0.5
    alpha: float = 0.25
    alpha_logit_sd: float = 0.5
    sigma_bps_per_sqrt_s: float = 0.8
    sigma_log_sd: float = 0.35
    adverse_bps: float = 14.0
    adverse_log_sd: float = 0.12
    adverse_cv: float = 0.15
    alpha_decay_bps: float = math.inf
    tick_ratio: float = 1.0
    features: FeatureHyper = field(default_factory=FeatureHyper)


def population(n_assets: int, seed: int, hyper: Hyper | None = None) -> list[Truth]:
    """Draw the truths of several assets.

    Parameters
    ----------
    n_assets : int
        How many.
    seed : int
        Equal seeds give equal truths; the first n do not depend on how many are drawn.
    hyper : Hyper, optional
        The population.
    """
    children = np.random.SeedSequence(seed).spawn(n_assets)
    return [_draw(i, np.random.default_rng(child), hyper or Hyper(), seed) for i, child in enumerate(children)]


def feature_stream(seed: int, i: int) -> np.random.Generator:
    """Return the generator that draws the features of asset i; what else is true of it comes from another."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i, 77)))


def _draw(i: int, rng: np.random.Generator, hyper: Hyper, seed: int) -> Truth:
    z = rng.standard_normal(5)
    kappa = hyper.kappa * np.exp(hyper.kappa_log_sd * z[0])
    mixed = hyper.correlation * z[0] + np.sqrt(1 - hyper.correlation**2) * z[1]
    logit = np.log(hyper.alpha / (1 - hyper.alpha)) + hyper.alpha_logit_sd * z[2]
    adverse = hyper.adverse_bps * np.exp(hyper.adverse_log_sd * z[4])
    name = NAMES[i] if i < len(NAMES) else f"ASSET{i}"
    return Truth(
        asset=name,
        kappa=float(kappa),
        A=float(hyper.A * np.exp(hyper.A_log_sd * mixed)),
        alpha_touch=float(1 / (1 + np.exp(-logit))),
        adverse_bps=float(adverse),
        adverse_sd_bps=float(hyper.adverse_cv * adverse),
        alpha_decay_bps=hyper.alpha_decay_bps,
        sigma_bps_per_sqrt_s=float(hyper.sigma_bps_per_sqrt_s * np.exp(hyper.sigma_log_sd * z[3])),
        half_spread_bps=float(np.clip(0.4 / (kappa * 1e-4), 0.5, 3.0)),
        tick_bps=hyper.tick_ratio * _TICKS_BPS[i % len(_TICKS_BPS)],
        price=_PRICES[i % len(_PRICES)],
        touch_only_per_s=float(rng.uniform(0.1, 0.5)),
        dynamics=draw_dynamics(hyper.features, feature_stream(seed, i)) if hyper.features.on else OFF,
    )
