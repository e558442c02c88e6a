"""The reference models as plain callables, to run, condition and extend by NumPyro's own means."""

from mmresearch.models.numpyro.changes import bocpd_hazard_rate
from mmresearch.models.numpyro.events import alpha_touch, spread_floor_bps
from mmresearch.models.numpyro.flow import hawkes
from mmresearch.models.numpyro.hours import toxic_hour_gamma_mult
from mmresearch.models.numpyro.intensity import kappa
from mmresearch.models.numpyro.levels import local_level, microprice_decay
from mmresearch.models.numpyro.regimes import regime_sticky_diagonal
from mmresearch.models.numpyro.scales import momentum_normalizer_bps, sigma_bps_per_sqrt_s
from mmresearch.models.numpyro.slopes import predictive_bias_sensitivity, proactive_skew_sensitivity
from mmresearch.models.numpyro.tails import cascade_oi_threshold

__all__ = [
    "alpha_touch",
    "bocpd_hazard_rate",
    "cascade_oi_threshold",
    "hawkes",
    "kappa",
    "local_level",
    "microprice_decay",
    "momentum_normalizer_bps",
    "predictive_bias_sensitivity",
    "proactive_skew_sensitivity",
    "regime_sticky_diagonal",
    "sigma_bps_per_sqrt_s",
    "spread_floor_bps",
    "toxic_hour_gamma_mult",
]
