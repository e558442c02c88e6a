"""Which worlds the learners of each parameter are sent through: one `Design` per learnable row of the catalogue."""

from collections.abc import Mapping

from mmresearch.audit.designs.design import Design
from mmresearch.audit.designs.fills import FILL_DESIGNS
from mmresearch.audit.designs.series import SERIES_DESIGNS
from mmresearch.audit.designs.signals import SIGNAL_DESIGNS

DESIGNS: Mapping[str, Design] = {**FILL_DESIGNS, **SIGNAL_DESIGNS, **SERIES_DESIGNS}

__all__ = ["DESIGNS", "Design"]
