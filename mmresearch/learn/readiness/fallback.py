"""What is quoted from while a learned number is not ready: a blend, learned -> adaptive -> configured.

    value = w learned + (1 - w) (v adaptive + (1 - v) configured)

w is the weight of the learned number (`mmresearch.learn.readiness.rule`), v the share that the adaptive estimate takes
of what is left. Shares move a little at a time, so values do: with a ramp, one observation moves the value by at most

    |learned - rest|/n* + w |change of learned|        (of logarithms, on the log scale).

Positive parameters without an upper limit blend on the log scale: 1/kappa, a depth, then blends exactly as kappa does,
and a kappa of 100 in doubt against one of 2000 is not outvoted by its size. What may be zero or negative has no
logarithm; a probability blends linearly, since a mixture of two beliefs has the linear blend of their probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from mmresearch.belief.catalogue import parameter as row_of
from mmresearch.learn.readiness.rule import Readiness

Scale = Literal["linear", "log"]

#: What is quoted from where nothing is known: typed-in numbers, in catalogue units.
CONFIGURED: Mapping[str, float] = MappingProxyType({"kappa": 2000.0, "alpha_touch": 0.25, "spread_floor_bps": 5.0})


@dataclass(frozen=True)
class Blended:
    """What is quoted from.

    Attributes
    ----------
    value : float or ndarray
        The blend, in the unit of the parameter.
    learned, adaptive, configured : float
        Share of each; they add up to 1.
    branch : {"learned", "adaptive", "configured"}
        The one with the largest share, the earlier of equals.
    """

    value: Any
    learned: float
    adaptive: float
    configured: float
    branch: str


def scale_of(parameter: str) -> Scale:
    """Return the scale on which a parameter of the catalogue is blended: "log" if its support is (0, infinity)."""
    low, high = row_of(parameter).support
    return "log" if low >= 0 and math.isinf(high) else "linear"


def blend(
    learned: ArrayLike,
    adaptive: ArrayLike | None,
    configured: ArrayLike,
    readiness: Readiness | float,
    *,
    adaptive_weight: float = 1.0,
    scale: Scale = "linear",
) -> Blended:
    """Fall back from learned to adaptive to configured by shares, so that nothing jumps.

    Parameters
    ----------
    learned, adaptive, configured : array_like
        Points, or quantiles at the same probabilities (their blend is the quantile average: location and width move
        together). An `adaptive` of None takes no share.
    readiness : Readiness or float
        Share of the learned number, in [0, 1].
    adaptive_weight : float
        Share of the adaptive estimate in what is left, in [0, 1]; let it grow with its own warm-up.
    scale : {"linear", "log"}
        Where the average is taken: see `scale_of`.

    Raises
    ------
    ValueError
        If a weight is outside [0, 1], or a value that counts is not finite, or not positive on the log scale.
    """
    w = readiness.weight if isinstance(readiness, Readiness) else float(readiness)
    v = 0.0 if adaptive is None else float(adaptive_weight)
    if not (0 <= w <= 1 and 0 <= v <= 1):
        raise ValueError(f"shares lie in [0, 1], got {w} for the learned and {v} for the adaptive number")
    shares = {"learned": w, "adaptive": (1 - w) * v, "configured": (1 - w) * (1 - v)}
    given = {"learned": learned, "adaptive": adaptive, "configured": configured}
    total: Any = 0.0
    for name, share in shares.items():
        if share > 0:
            total = total + share * _on(scale, name, given[name])
    branch = max(shares, key=lambda name: shares[name])
    return Blended((np.exp(total) if scale == "log" else total)[()], **shares, branch=branch)


def _on(scale: Scale, name: str, value: Any) -> Any:
    x = np.asarray(value, dtype=float)
    if not np.all(np.isfinite(x)):
        raise ValueError(f"the {name} value has a share but is not finite: {value}")
    if scale == "log" and not np.all(x > 0):
        raise ValueError(f"the {name} value must be positive to be blended on the log scale, got {value}")
    return np.log(x) if scale == "log" else x
