"""Pointwise log predictive densities by row, of the data that were fitted or of others, for either backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from mmresearch.models.criticism import chains, intensity, moves, series, signals, touch
from mmresearch.models.criticism.rows import DRAWS, AssetRows, Draws
from mmresearch.models.data import EvidenceError

#: Model -> rows of its evidence.
ROWS: Mapping[str, Callable[..., Iterator[AssetRows]]] = {
    "alpha_touch": touch.labels,
    "bocpd_hazard_rate": chains.changes,
    "cascade_oi_threshold": signals.falls,
    "hawkes": series.flow,
    "kappa": intensity.kappa,
    "local_level": series.level,
    "microprice_decay": series.lead,
    "momentum_normalizer_bps": moves.minutes,
    "predictive_bias_sensitivity": moves.after_changepoints,
    "proactive_skew_sensitivity": moves.after_momentum,
    "regime_sticky_diagonal": chains.regimes,
    "sigma_bps_per_sqrt_s": moves.seconds,
    "spread_floor_bps": touch.moves,
    "toxic_hour_gamma_mult": signals.hours,
}
#: Parameters that one model teaches together.
_TAUGHT_BY = dict.fromkeys(("hawkes_mu", "hawkes_alpha", "hawkes_beta"), "hawkes") | dict.fromkeys(
    ("kalman_q", "kalman_r"), "local_level"
)
#: A reported variable of each model with the names of its assets, to compare them by.
_NAMED = {"hawkes": "hawkes_mu", "local_level": "kalman_q"}


def rows(
    parameter: str, posterior: Any, evidence: Any, *, draws: int = DRAWS, seed: int = 0, **options: Any
) -> Iterator[AssetRows]:
    """Yield the rows of each asset; see `pointwise`.

    Raises
    ------
    EvidenceError
        If there is no such model, or the evidence is of other assets than the fit.
    """
    model = _TAUGHT_BY.get(parameter, parameter)
    if model not in ROWS:
        raise EvidenceError(f"no reference model for {parameter!r}; there are {', '.join(sorted(ROWS))}")
    kept = Draws(posterior, draws)
    kept.matches(_NAMED.get(model, model), evidence.assets)
    return ROWS[model](kept, evidence, np.random.default_rng(seed), **options)


def pointwise(
    parameter: str, posterior: Any, evidence: Any, *, draws: int = DRAWS, seed: int = 0, **options: Any
) -> xr.DataArray:
    """Return log p(row | past, draw).

    Parameters
    ----------
    parameter : str
        A parameter that has a reference model, or the model's name.
    posterior : DataTree or Dataset
        Draws of its fit, of either backend.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        What is scored: the assets of the fit, in their order; their data may be others than those that were fitted.
    draws : int
        About how many draws are used, evenly over the chains.
    seed : int
        Of what has to be drawn: replicated depths, chances of bad markouts.
    **options
        What the draws do not tell of the model: ``runs`` and ``segments``, ``hours``, ``priors``.

    Returns
    -------
    DataArray
        Dimensions chain, draw, row; coordinate ``asset`` along row. Constants of the data are left out.

    Raises
    ------
    EvidenceError
        If there is no such model, the fit is of other assets, or its draws lack a variable.
    """
    found = list(rows(parameter, posterior, evidence, draws=draws, seed=seed, **options))
    kept = Draws(posterior, draws)
    table = np.concatenate([one.log_density() if one.size else np.zeros((kept.size, 0)) for one in found], axis=1)
    return xr.DataArray(
        table.reshape(kept.chain.size, kept.draw.size, -1),
        dims=("chain", "draw", "row"),
        coords={
            "chain": kept.chain,
            "draw": kept.draw,
            "asset": ("row", np.repeat([one.asset for one in found], [one.size for one in found])),
        },
        name="log_likelihood",
    )
