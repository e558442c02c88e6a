"""The reference models as plain ``pm.Model`` objects, to sample, extend and plot by PyMC's own means."""

from mmresearch.models.pymc.events import alpha_touch, spread_floor_bps
from mmresearch.models.pymc.intensity import kappa

__all__ = ["alpha_touch", "kappa", "spread_floor_bps"]
