"""The reference models as plain ``pm.Model`` objects, to sample, extend and plot by PyMC's own means."""

from mmresearch.models.pymc.changes import bocpd_hazard_rate
from mmresearch.models.pymc.events import alpha_touch, spread_floor_bps
from mmresearch.models.pymc.flow import hawkes
from mmresearch.models.pymc.hours import toxic_hour_gamma_mult
from mmresearch.models.pymc.intensity import kappa
from mmresearch.models.pymc.levels import local_level, microprice_decay
from mmresearch.models.pymc.regimes import regime_sticky_diagonal
from mmresearch.models.pymc.scales import momentum_normalizer_bps, sigma_bps_per_sqrt_s
from mmresearch.models.pymc.slopes import predictive_bias_sensitivity, proactive_skew_sensitivity
from mmresearch.models.pymc.tails import cascade_oi_threshold

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
