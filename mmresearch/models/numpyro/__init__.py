"""The reference models as plain callables, to run, condition and extend by NumPyro's own means."""

from mmresearch.models.numpyro.changes import bocpd_hazard_rate
from mmresearch.models.numpyro.events import alpha_touch, spread_floor_bps
from mmresearch.models.numpyro.flow import hawkes
from mmresearch.models.numpyro.intensity import kappa
from mmresearch.models.numpyro.levels import local_level, microprice_decay
from mmresearch.models.numpyro.regimes import regime_sticky_diagonal

__all__ = [
    "alpha_touch",
    "bocpd_hazard_rate",
    "hawkes",
    "kappa",
    "local_level",
    "microprice_decay",
    "regime_sticky_diagonal",
    "spread_floor_bps",
]
