"""How far the mid moves, in NumPyro: the volatility over a second, and the scale of moves over a minute.

The same models as `mmresearch.models.pymc.scales`, written independently: that the two log densities agree is the test
of both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import move_weights
from mmresearch.models.feature_data import heavy_tailed, require_spread
from mmresearch.models.feature_priors import NormalizerPriors, TailPriors, VolatilityPriors
from mmresearch.models.features import FeatureEvidence, Moves, Noise, of_features
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.priors import Population, of_kind
from mmresearch.models.series import require_any


def sigma_bps_per_sqrt_s(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    pooling: bool = True,
    priors: VolatilityPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of the volatility: the sd of mid moves over a second, noise of quotes included.

    Parameters
    ----------
    evidence : FeatureEvidence
        Moves over 1 s by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"normal", "student_t"}
        Law of the moves: sums of all, or the newest single moves with heavy tails.
    pooling : bool
        Let assets share a population.
    priors : VolatilityPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``sigma_bps_per_sqrt_s`` (asset), an sd whatever the noise.

    Raises
    ------
    EvidenceError
        If no tape has two mids a second apart, if a mid never moves, or the evidence is not of features.
    """
    p = of_kind(VolatilityPriors, priors)
    weighed = _weighed(of_features(evidence).seconds, parameterisation, noise)
    return _model("sigma_bps_per_sqrt_s", *weighed, pooling, p.s, p.tail if heavy_tailed(noise) else None)


def momentum_normalizer_bps(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    pooling: bool = True,
    priors: NormalizerPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of the sd of mid moves over a minute.

    Parameters
    ----------
    evidence : FeatureEvidence
        Moves over 60 s by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"normal", "student_t"}
        Law of the moves: sums of all, or the newest single moves with heavy tails.
    pooling : bool
        Let assets share a population.
    priors : NormalizerPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``momentum_normalizer_bps`` (asset), an sd whatever the noise.

    Raises
    ------
    EvidenceError
        If no tape has two mids a minute apart, if a mid never moves, or the evidence is not of features.
    """
    p = of_kind(NormalizerPriors, priors)
    weighed = _weighed(of_features(evidence).minutes, parameterisation, noise)
    return _model("momentum_normalizer_bps", *weighed, pooling, p.s, p.tail if heavy_tailed(noise) else None)


def _weighed(moves: tuple[Moves, ...], form: Parameterisation, noise: Noise) -> tuple[tuple[Moves, ...], np.ndarray]:
    """Check the moves of each asset, and say how far its effect is centred."""
    require_any([m.n for m in moves], "moves of the mid over its horizon")
    for m in moves:
        if m.n:
            require_spread(m.asset, m.values_bps, m.squares_bps2, "moves", heavy_tailed(noise))
    return moves, fixed(form, move_weights(moves))


def _model(
    name: str, moves: tuple[Moves, ...], weight: np.ndarray, pooling: bool, law: Population, tail: TailPriors | None
) -> Callable[[], None]:
    """Moves as single Student-t values where a tail is given, else as a sum of Normal squares."""
    place = np.array([i for i, m in enumerate(moves) if m.n])
    n, squares = np.array([(moves[i].n, moves[i].squares_bps2) for i in place]).T
    asset = np.concatenate([np.full(m.values_bps.size, i) for i, m in enumerate(moves)])
    values = np.concatenate([m.values_bps for m in moves])

    def model() -> None:
        m_s, tau_s = population("s", law, pooling)
        with numpyro.plate("asset", len(moves)):
            s = numpyro.deterministic(name, jnp.exp(effect("log_s", m_s, tau_s, weight)))
        if tail is None:
            with numpyro.plate("asset_seen", place.size):
                numpyro.sample("squares", dist.Gamma(0.5 * n, 0.5 / jnp.square(s[place])), obs=squares)
            return
        nu = degrees_of_freedom(tail)
        with numpyro.plate("move", values.size):
            numpyro.sample("moves", dist.StudentT(nu, 0.0, (s * jnp.sqrt(1 - 2 / nu))[asset]), obs=values)

    return model


def degrees_of_freedom(tail: TailPriors) -> Array:
    """Degrees of freedom above 2, the same for all assets."""
    return 2.0 + numpyro.sample("nu_minus_two", dist.Gamma(tail.shape, tail.rate))
