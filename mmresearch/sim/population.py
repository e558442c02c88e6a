"""The population from which the truths of several assets come.

(ln kappa, ln A) ~ bivariate Normal,   logit alpha ~ Normal,   ln sigma, ln adverse move ~ Normal
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

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
    return [_draw(i, np.random.default_rng(child), hyper or Hyper()) for i, child in enumerate(children)]


def _draw(i: int, rng: np.random.Generator, hyper: Hyper) -> Truth:
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
        tick_bps=_TICKS_BPS[i % len(_TICKS_BPS)],
        price=_PRICES[i % len(_PRICES)],
        touch_only_per_s=float(rng.uniform(0.1, 0.5)),
    )
