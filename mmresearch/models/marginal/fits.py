"""Fits without a sampler: of one evidence as the reference models see it, or of many data sets at once.

The models are those of `mmresearch.models.pymc`, without what has a second effect per asset:

    alpha_touch          binomial labels, windows alike (overdispersion=False)
    bocpd_hazard_rate    reported changepoints under exposure
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from mmresearch.models.data import EvidenceError, label_data
from mmresearch.models.marginal.likelihoods import LIKELIHOODS
from mmresearch.models.marginal.quadrature import Marginals, Population, effect_density, marginals
from mmresearch.models.priors import AlphaPriors
from mmresearch.models.priors import Population as Hyperprior
from mmresearch.models.series import SeriesEvidence, of_series
from mmresearch.models.series_priors import HazardPriors
from mmresearch.tape.evidence import Evidence

FloatArray = NDArray[np.float64]
#: Fits that are worked on together: their nodes stay in the cache of a core.
BLOCK = 8
#: Points of a density, and sds that they reach to either side.
_POINTS, _REACH = 321, 10.0


@dataclass(frozen=True)
class MarginalFit:
    """Posterior of one hierarchy.

    Attributes
    ----------
    parameter : str
        What was fitted.
    assets : tuple of str
        Names.
    likelihood : str
        One of `LIKELIHOODS`.
    data : tuple of ndarray, shape (assets,)
        What the likelihood reads.
    population : Population
        Hyperpriors.
    moments : Marginals
        Of this one fit: shapes (1,) and (1, assets).
    """

    parameter: str
    assets: tuple[str, ...]
    likelihood: str
    data: tuple[FloatArray, ...]
    population: Population
    moments: Marginals

    @property
    def log_evidence(self) -> float:
        """Log evidence ln p(data), to compare hyperpriors by."""
        return float(self.moments.log_evidence[0])

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Quantiles of the reported values.

        Parameters
        ----------
        p : array_like, shape (P,)
            Probabilities, inside (0, 1).

        Returns
        -------
        ndarray, shape (assets, P)
        """
        return effect_quantiles(self.likelihood, self.data, self.population, p)


def effect_quantiles(name: str, data: tuple[ArrayLike, ...], population: Population, p: ArrayLike) -> FloatArray:
    """Quantiles of the reported value of each asset of one fit.

    Parameters
    ----------
    name : str
        One of `LIKELIHOODS`.
    data : tuple of array_like, shape (assets,)
        In the order of the likelihood's names.
    population : Population
        Hyperpriors.
    p : array_like, shape (P,)
        Probabilities, inside (0, 1).

    Returns
    -------
    ndarray, shape (assets, P)
    """
    wanted = np.atleast_1d(np.asarray(p, dtype=float))
    if not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(f"probabilities must lie inside (0, 1), got {wanted}")
    with jax.enable_x64(True):
        arrays = tuple(jnp.asarray(d, dtype=float)[None] for d in data)
        found = marginals(name, arrays, population)
        reach = np.linspace(-_REACH, _REACH, _POINTS)
        x = np.asarray(found.effect_mean)[..., None] + np.asarray(found.effect_sd)[..., None] * reach
        density = np.asarray(effect_density(name, arrays, population, jnp.asarray(x)))
        effects = np.stack([_inverse(a, b, wanted) for a, b in zip(x[0], density[0], strict=True)])
        return np.asarray(LIKELIHOODS[name].value(jnp.asarray(effects)))


def _inverse(x: FloatArray, density: FloatArray, p: FloatArray) -> FloatArray:
    """Quantiles of a density on a grid."""
    below = PchipInterpolator(x, density).antiderivative()(x)
    below /= below[-1]
    rising = np.flatnonzero(np.diff(below, prepend=-1.0) > 1e-13)
    return PchipInterpolator(below[rising], x[rising])(p)


def marginal_fits(
    name: str, data: tuple[ArrayLike, ...], population: Population, threads: int | None = None
) -> Marginals:
    """Fit many data sets, each on its own.

    Parameters
    ----------
    name : {"binomial", "poisson", "scale", "normal"}
        Likelihood; see `mmresearch.models.marginal.likelihoods`.
    data : tuple of array_like, shape (F, N)
        Data of F fits of N assets, in the order of the likelihood's names; shapes broadcast.
    population : Population
        Hyperpriors, the same for all.
    threads : int, optional
        Threads; the cores if not given. The result does not depend on it.

    Returns
    -------
    Marginals
        Of NumPy arrays, in the order of the data.

    Raises
    ------
    EvidenceError
        If the likelihood is unknown, or the data are not what it reads.
    """
    arrays = _checked(name, data)
    fits = arrays[0].shape[0]
    padded = -(-fits // BLOCK) * BLOCK
    whole = [np.concatenate([a, np.repeat(a[-1:], padded - fits, axis=0)]) for a in arrays]

    def one(start: int) -> Marginals:
        # the switch of precision belongs to a thread
        with jax.enable_x64(True):
            part = tuple(jnp.asarray(a[start : start + BLOCK]) for a in whole)
            return Marginals(*(np.asarray(v) for v in marginals(name, part, population)))

    starts = range(0, padded, BLOCK)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        parts = [one(starts[0]), *pool.map(one, starts[1:])]
    return Marginals(*(np.concatenate(column)[:fits] for column in zip(*parts, strict=True)))


def _checked(name: str, data: tuple[ArrayLike, ...]) -> tuple[FloatArray, ...]:
    if name not in LIKELIHOODS:
        raise EvidenceError(f"no likelihood {name!r}; there are {', '.join(LIKELIHOODS)}")
    wanted = LIKELIHOODS[name].data
    if len(data) != len(wanted):
        raise EvidenceError(f"{name} reads {', '.join(wanted)}, got {len(data)} arrays")
    arrays = np.broadcast_arrays(*(np.asarray(d, dtype=float) for d in data))
    if arrays[0].ndim != 2 or not arrays[0].size:
        raise EvidenceError(f"data have shape (fits, assets), neither of them 0; got {arrays[0].shape}")
    for what, values in zip(wanted, arrays, strict=True):
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise EvidenceError(f"{what} of fit {row}, asset {column} is {values[row, column]}; leave that asset out")
    return tuple(np.ascontiguousarray(a) for a in arrays)


def _labels(evidence: Evidence, priors: AlphaPriors) -> tuple[str, tuple[FloatArray, ...], Population]:
    data, n = label_data(evidence), len(evidence.assets)
    k, total = (np.bincount(data.asset, v, minlength=n) for v in (data.informed, data.total))
    return "binomial", (k, total, data.false_positive), _population(priors.alpha)


def _changes(evidence: SeriesEvidence, priors: HazardPriors) -> tuple[str, tuple[FloatArray, ...], Population]:
    counts = of_series(evidence).changes
    k, exposure = np.rint([c.changes for c in counts]), np.array([c.exposure_s for c in counts])
    return "poisson", (k, exposure), _population(priors.h)


def _population(law: Hyperprior) -> Population:
    return Population(law.location, law.scale, float(np.log(law.tau_median)), law.tau_log_sd)


#: Parameter -> its likelihood, data and population, and the hyperpriors that hold if none are given.
_MODELS: Mapping[str, tuple[Callable, Callable]] = {
    "alpha_touch": (_labels, AlphaPriors),
    "bocpd_hazard_rate": (_changes, HazardPriors),
}


def marginal_fit(
    parameter: str, evidence: Evidence | SeriesEvidence, priors: AlphaPriors | HazardPriors | None = None
) -> MarginalFit:
    """Fit the reference model of a parameter without a sampler.

    Parameters
    ----------
    parameter : {"alpha_touch", "bocpd_hazard_rate"}
        Which.
    evidence : Evidence or SeriesEvidence
        What the model reads.
    priors : AlphaPriors or HazardPriors, optional
        Hyperpriors.

    Returns
    -------
    MarginalFit

    Raises
    ------
    EvidenceError
        If the parameter's model has more than one effect per asset, or the evidence is of the wrong kind.
    """
    if parameter not in _MODELS:
        raise EvidenceError(f"{parameter} has no marginal fit; {', '.join(_MODELS)} have. Use mmresearch.models.fit")
    build, defaults = _MODELS[parameter]
    name, data, population = build(evidence, priors or defaults())
    moments = marginal_fits(name, tuple(d[None] for d in data), population, threads=1)
    return MarginalFit(parameter, evidence.assets, name, data, population, moments)
