"""What a fit says of an asset that nobody has seen: its posterior predictive law, and the prior that comes nearest.

    u ~ N(m, tau) for each draw of (m, tau),   x = link(u):   p(x) = mean over draws of N(u; m, tau) / |dx/du|

With a log-normal tau the mean of x is infinite, though no data say so: draws are kept within the central
`KEPT` of their law, and the prior is fitted to these. Parameters in the unit of the catalogue; m and tau as the models
name them, in seconds and bps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from mmresearch.belief.catalogue import parameter as catalogue_row
from mmresearch.belief.catalogue import prior
from mmresearch.belief.families import Family
from mmresearch.belief.normal import NormalInverseGamma
from mmresearch.belief.prior_file import HandedBack
from mmresearch.belief.projection import divergence, project, project_mean_and_variance

FloatArray = NDArray[np.float64]

#: New assets for each draw of the population.
PER_DRAW = 4
KEPT = 0.998
#: Assets and draws of the population at which the density is looked at.
_POINTS, _MIXED = 2000, 1000
_QUANTILES = (0.05, 0.5, 0.95)


class PopulationError(ValueError):
    """A fit that does not say what its population is."""


@dataclass(frozen=True)
class Link:
    """From the scale on which assets are Normal to the parameter: x(u), and ln |dx/du|."""

    value: Callable[[FloatArray], FloatArray]
    log_slope: Callable[[FloatArray], FloatArray]


def _scaled_exp(scale: float = 1.0) -> Link:
    return Link(lambda u: scale * np.exp(u), lambda u: np.log(scale) + u)


_LOGIT = Link(special.expit, lambda u: special.log_expit(u) + special.log_expit(-u))
_SAME = Link(lambda u: u, np.zeros_like)
#: The share left after a second, of the log rate of forgetting.
_SHARE_LEFT = Link(lambda u: np.exp(-np.exp(u)), lambda u: u - np.exp(u))


@dataclass(frozen=True)
class Population:
    """Names of mean and sd of a population in its model, and the link from there to the parameter."""

    mean: str
    sd: str
    link: Link


#: What the prior of each row of the catalogue is about, as its model has it; that of hawkes_alpha is the branching.
POPULATIONS: Mapping[str, Population] = {
    "alpha_touch": Population("mu", "tau", _LOGIT),
    "bocpd_hazard_rate": Population("m_h", "tau_h", _scaled_exp()),
    "hawkes_alpha": Population("m_n", "tau_n", _LOGIT),
    "hawkes_beta": Population("m_beta", "tau_beta", _scaled_exp()),
    "hawkes_mu": Population("m_mu", "tau_mu", _scaled_exp()),
    "kalman_q": Population("m_q", "tau_q", _scaled_exp(1e-8)),
    "kalman_r": Population("m_r", "tau_r", _scaled_exp(1e-8)),
    "kappa": Population("mu_kappa", "tau_kappa", _scaled_exp(1e4)),
    "microprice_decay": Population("m_rate", "tau_rate", _SHARE_LEFT),
    "momentum_normalizer_bps": Population("m_s", "tau_s", _scaled_exp()),
    "predictive_bias_sensitivity": Population("m_b", "tau_b", _SAME),
    "proactive_skew_sensitivity": Population("m_b", "tau_b", _SAME),
    "regime_sticky_diagonal": Population("m_stay", "tau_stay", _LOGIT),
    "spread_floor_bps": Population("mu", "tau", _SAME),
}
#: The intensity at the mid, which a quote and the learner of kappa need too; of own fills only.
_INTENSITY = Population("mu_A", "tau_A", _scaled_exp())
#: Of the log sd of one fill's move.
_MOVE = Population("mu_s", "tau_s", _scaled_exp())


@dataclass(frozen=True)
class NewAssets:
    """Draws of what a new asset may be: values, and ln of their density at those of `looked_at`."""

    values: FloatArray
    looked_at: FloatArray
    log_density: FloatArray


def new_assets(posterior: Any, population: Population, seed: int = 0, shift: float = 0.0) -> NewAssets:
    """Draw what a new asset may be.

    Parameters
    ----------
    posterior : Dataset
        Draws of a fit, with the mean and the sd of the population.
    population : Population
        Which, and how it is linked to the parameter.
    seed : int
        Of the new assets.
    shift : float
        Added to each value, in its unit: the fee of a floor.

    Raises
    ------
    PopulationError
        If the draws lack the population.
    """
    mean, sd = (_flat(posterior, name) for name in (population.mean, population.sd))
    rng = np.random.default_rng(seed)
    u = (mean[:, None] + sd[:, None] * rng.standard_normal((mean.size, PER_DRAW))).ravel()
    low, high = np.quantile(u, (0.5 - KEPT / 2, 0.5 + KEPT / 2))
    u = rng.permutation(u[(u >= low) & (u <= high)])
    points, mixed = u[:_POINTS], rng.permutation(mean.size)[:_MIXED]
    heights = -0.5 * ((points[:, None] - mean[mixed]) / sd[mixed]) ** 2 - np.log(sd[mixed] * np.sqrt(2 * np.pi))
    density = special.logsumexp(heights, axis=1) - np.log(mixed.size * KEPT)
    link = population.link
    return NewAssets(shift + link.value(u), shift + link.value(points), density - link.log_slope(points))


def handed_back(name: str, fitted: xr.DataTree, *, fee_bps: float = 0.0, seed: int = 0) -> HandedBack:
    """Return the prior that a new asset should start from.

    Parameters
    ----------
    name : str
        Parameter.
    fitted : DataTree
        Draws of its model.
    fee_bps : float
        Maker fee of the new asset, in bps; the floor is above it.
    seed : int
        Of the new assets.

    Raises
    ------
    PopulationError
        If nobody knows the population of the parameter, or the draws lack it.
    """
    if name not in POPULATIONS:
        raise PopulationError(f"nobody knows the population of {name}; there are {', '.join(POPULATIONS)}")
    posterior, row = fitted["posterior"].to_dataset(), catalogue_row(name)
    found = new_assets(posterior, POPULATIONS[name], seed, fee_bps if name == "spread_floor_bps" else 0.0)
    belief = project(str(row.prior["family"]), found.values)
    nats, error = divergence(found.looked_at, found.log_density, belief)
    default, _ = divergence(found.looked_at, found.log_density, prior(name))
    quantiles = tuple(float(q) for q in np.quantile(found.values, _QUANTILES))
    return HandedBack(name, row.unit, belief, nats, error, default, quantiles, _beside(name, posterior, fee_bps, seed))


def _beside(name: str, posterior: Any, fee_bps: float, seed: int) -> dict[str, Family]:
    """Return priors of what the learner of a parameter has to believe besides."""
    if name == "kappa" and _INTENSITY.mean in posterior:
        return {"A": project("Gamma", new_assets(posterior, _INTENSITY, seed + 1).values)}
    if name == "spread_floor_bps" and _MOVE.mean in posterior:
        return {"floor_and_variance": _floor_and_variance(posterior, fee_bps, seed)}
    return {}


def _floor_and_variance(posterior: Any, fee_bps: float, seed: int) -> NormalInverseGamma:
    names = ("mu", "tau", _MOVE.mean, _MOVE.sd)
    mean, sd, log_sd, log_sd_sd = (np.repeat(_flat(posterior, name), PER_DRAW) for name in names)
    z = np.clip(np.random.default_rng(seed).standard_normal((2, mean.size)), -3.1, 3.1)
    return project_mean_and_variance(fee_bps + mean + sd * z[0], np.exp(2 * (log_sd + log_sd_sd * z[1])))


def _flat(posterior: Any, name: str) -> FloatArray:
    if name not in posterior:
        raise PopulationError(f"the draws have no {name}; they are not those of a pooled model that is known here")
    return np.asarray(posterior[name].to_numpy(), dtype=np.float64).ravel()
