"""Which features a world has, and where the randomness of each comes from.

A feature that is off costs nothing and draws nothing: the generator of the plain world is not touched by any, so a
world without features is the same to the last bit as if there were none. What each is: `mmresearch.sim.features`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmresearch.sim.features import (
    Account,
    Changepoints,
    Hawkes,
    Imbalance,
    Momentum,
    ObservationNoise,
    OpenInterest,
    Regimes,
    ToxicHours,
)


@dataclass(frozen=True)
class Dynamics:
    """The features of a world; None is off.

    Attributes
    ----------
    hawkes, momentum, changepoints, regimes, noise, imbalance, open_interest, toxic, account
        See the classes of this module.
    """

    hawkes: Hawkes | None = None
    momentum: Momentum | None = None
    changepoints: Changepoints | None = None
    regimes: Regimes | None = None
    noise: ObservationNoise | None = None
    imbalance: Imbalance | None = None
    open_interest: OpenInterest | None = None
    toxic: ToxicHours | None = None
    account: Account | None = None

    @property
    def by_second(self) -> bool:
        """Whether something holds for a second each or is read every second, so that seconds begin with a quote."""
        each = (self.momentum, self.changepoints, self.regimes, self.noise, self.imbalance, self.open_interest)
        return any(feature is not None for feature in each)


#: Name of a feature -> its class.
FEATURES: Mapping[str, Any] = {
    "hawkes": Hawkes, "momentum": Momentum, "changepoints": Changepoints, "regimes": Regimes,
    "noise": ObservationNoise, "imbalance": Imbalance, "open_interest": OpenInterest, "toxic": ToxicHours,
    "account": Account,
}  # fmt: skip
OFF = Dynamics()


def stream(seed: int | Sequence[int], feature: str) -> np.random.Generator:
    """Return the generator of one feature, apart from that of the plain world and from those of the others.

    Parameters
    ----------
    seed : int or sequence of int
        Seed of the world.
    feature : str
        Name of the feature.
    """
    own = list(seed) if isinstance(seed, Sequence) else [seed]
    # Trailing zeros would be the same seed as none.
    return np.random.default_rng([*own, 77, 1 + list(FEATURES).index(feature)])
