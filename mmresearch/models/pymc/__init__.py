"""The reference models as plain ``pm.Model`` objects, to sample, extend and plot by PyMC's own means."""

from mmresearch.models.pymc.changes import bocpd_hazard_rate
from mmresearch.models.pymc.events import alpha_touch, spread_floor_bps
from mmresearch.models.pymc.flow import hawkes
from mmresearch.models.pymc.intensity import kappa
from mmresearch.models.pymc.levels import local_level, microprice_decay
from mmresearch.models.pymc.regimes import regime_sticky_diagonal

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
