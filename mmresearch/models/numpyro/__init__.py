"""The reference models as plain callables, to run, condition and extend by NumPyro's own means."""

from mmresearch.models.numpyro.events import alpha_touch, spread_floor_bps
from mmresearch.models.numpyro.intensity import kappa

__all__ = ["alpha_touch", "kappa", "spread_floor_bps"]
