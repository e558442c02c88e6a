"""How far the mid moves, in PyMC: the volatility over a second, and the scale of moves over a minute.

    r_ij ~ N(0, s_i), or Student-t of sd s_i;   log s_i ~ N(m_s, tau_s)

A mean of zero, as in the conjugate twin: over a minute a drift is far below the sd. Normal moves are read through the
sum of their squares, which is s^2 times a chi-square. It tells the root mean square whatever the moves are, but where
their kurtosis is k its sd is sqrt((k - 1)/2) times what is claimed: Student-t moves are the mend.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import move_weights
from mmresearch.models.feature_data import heavy_tailed, require_spread
from mmresearch.models.feature_priors import NormalizerPriors, TailPriors, VolatilityPriors
from mmresearch.models.features import FeatureEvidence, Moves, Noise, of_features
from mmresearch.models.priors import Population, of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.series import require_any


def sigma_bps_per_sqrt_s(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    pooling: bool = True,
    priors: VolatilityPriors | None = None,
) -> pm.Model:
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
    pymc.Model
        With ``sigma_bps_per_sqrt_s`` (asset), an sd whatever the noise.

    Raises
    ------
    EvidenceError
        If no tape has two mids a second apart, if a mid never moves, or the evidence is not of features.
    """
    moves, p = of_features(evidence).seconds, of_kind(VolatilityPriors, priors)
    return _scale("sigma_bps_per_sqrt_s", moves, parameterisation, heavy_tailed(noise), pooling, p.s, p.tail)


def momentum_normalizer_bps(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    pooling: bool = True,
    priors: NormalizerPriors | None = None,
) -> pm.Model:
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
    pymc.Model
        With ``momentum_normalizer_bps`` (asset), an sd whatever the noise.

    Raises
    ------
    EvidenceError
        If no tape has two mids a minute apart, if a mid never moves, or the evidence is not of features.
    """
    moves, p = of_features(evidence).minutes, of_kind(NormalizerPriors, priors)
    return _scale("momentum_normalizer_bps", moves, parameterisation, heavy_tailed(noise), pooling, p.s, p.tail)


def _scale(
    name: str, moves: tuple[Moves, ...], form: Parameterisation, heavy: bool, pooling: bool, law: Population,
    tail: TailPriors,
) -> pm.Model:  # fmt: skip
    require_any([m.n for m in moves], "moves of the mid over its horizon")
    seen = np.flatnonzero([m.n > 0 for m in moves])
    for i in seen:
        require_spread(moves[i].asset, moves[i].values_bps, moves[i].squares_bps2, "moves", heavy)
    weight = fixed(form, move_weights(moves))
    with pm.Model(coords={"asset": [m.asset for m in moves]}) as model:
        s = pm.math.exp(effect("log_s", *population("s", law, pooling), weight))
        pm.Deterministic(name, s, dims="asset")
        if heavy:
            asset = np.repeat(np.arange(len(moves)), [m.values_bps.size for m in moves])
            nu = degrees_of_freedom(tail)
            scale = s * pm.math.sqrt((nu - 2) / nu)
            values = np.concatenate([m.values_bps for m in moves])
            pm.StudentT("moves", nu=nu, mu=0.0, sigma=scale[asset], observed=values)
        else:
            n, squares = (np.array([getattr(moves[i], k) for i in seen]) for k in ("n", "squares_bps2"))
            pm.Gamma("squares", alpha=n / 2, beta=1 / (2 * s[seen] ** 2), observed=squares)
    return model


def degrees_of_freedom(tail: TailPriors) -> TensorVariable:
    """Degrees of freedom above 2, the same for all assets."""
    return 2 + pm.Gamma("nu_minus_two", alpha=tail.shape, beta=tail.rate)
