"""The trials of a parameter: which worlds a learner of it is sent through.

One `Design` per learnable parameter is all that a new row of the catalogue needs: the truths, the nuisances that must
not matter, the policies that must not matter, and how much information one event carries. Tapes are made by
`mmresearch.sim.worlds.plain` from (truth, seed), so every learner of a parameter meets the same tapes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from mmresearch.audit.information import SLICE_S, Information, counted_labels, moved_information
from mmresearch.belief.catalogue import Parameter, parameter
from mmresearch.sim.policies import Policy, Rotating, Stale
from mmresearch.sim.worlds import plain
from mmresearch.tape.schema import Tape

LADDER_BPS = (2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 25.0)
CLOSE_BPS = (1.5, 3.0, 5.0, 8.0)
DEEP_BPS = (9.0, 12.0, 16.0, 20.0, 25.0)


@dataclass(frozen=True)
class Design:
    """Which worlds a learner of one parameter is sent through.

    Attributes
    ----------
    truths : tuple of float
        Truths of the estimand check, in the catalogue unit.
    typical : float
        Truth of every check that needs one world.
    support : tuple of float
        Truths that the world can make.
    seconds, short_seconds : float
        Length of a tape with much data, and of a tape of the calibration check.
    logarithmic : bool
        Whether errors are measured on the log scale.
    tolerance : float
        Bias that does not matter, on that scale.
    is_cost : bool
        Whether more adverse data must raise the parameter.
    mirror_slack : float
        Move of the posterior mean that mirroring brings by itself, in the catalogue unit: simple returns and depths
        of r bps differ by about r^2/1e4 bps from those of the mirrored tape, whose ticks are no longer equal.
    nuisances : mapping
        World argument -> (low, high): values between which the posterior must not move.
    nulls : mapping
        Name -> (world arguments, the parameter's truth there): worlds in which the answer is known without a scale.
    policies : mapping
        Name -> quoting policy; the posterior must not depend on it.
    policy_world : mapping
        World arguments held fixed while policies are compared: a mid that moves, so that old orders differ from new.
    information : callable or None
        What the tape's distinct events can tell; see `mmresearch.audit.information`. None if that hangs on a variance
        which the learner may know or not: then calibration must tell.
    typical_policy : Policy or None
        How we quoted on the typical tape, where that matters.
    """

    truths: tuple[float, ...]
    typical: float
    support: tuple[float, float]
    seconds: float
    short_seconds: float
    logarithmic: bool
    tolerance: float
    is_cost: bool
    mirror_slack: float
    information: Information | None
    typical_policy: Policy | None = None
    nuisances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    nulls: Mapping[str, tuple[Mapping[str, float], float]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    policy_world: Mapping[str, float] = field(default_factory=lambda: {"sigma_bps_per_sqrt_s": 1.5})


_POLICIES: Mapping[str, Policy] = {
    "ladder to 25 bps": Rotating(depths_bps=LADDER_BPS, touch_share=0.3),
    "close ladder": Rotating(depths_bps=CLOSE_BPS, touch_share=0.3),
    "old orders": Stale(depths_bps=DEEP_BPS, touch_share=0.35, seconds=240.0),
}

#: The flow of market orders in which policies are compared, so that its chances do not hide their differences.
_SAME_FLOW = {"kappa": 2000.0, "A": 0.8, "half_spread_bps": 2.0}

DESIGNS: Mapping[str, Design] = {
    "kappa": Design(
        truths=(800.0, 1200.0, 1800.0, 2500.0, 3500.0, 5000.0),
        typical=2000.0,
        support=(100.0, 20000.0),
        seconds=7200.0,
        short_seconds=1800.0,
        logarithmic=True,
        tolerance=0.05,
        is_cost=False,
        mirror_slack=20.0,
        information=moved_information,
        typical_policy=Rotating(depths_bps=LADDER_BPS, touch_share=0.0),
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 3.0)},
        policies=_POLICIES,
    ),
    "alpha_touch": Design(
        truths=(0.05, 0.15, 0.25, 0.4, 0.55, 0.7),
        typical=0.25,
        support=(1e-4, 1 - 1e-4),
        seconds=7200.0,
        short_seconds=900.0,
        logarithmic=False,
        tolerance=0.02,
        is_cost=True,
        mirror_slack=0.002,
        information=counted_labels,
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 2.0)},
        nulls={"jumps in our favour": ({"adverse_bps": -14.0}, 0.0)},
        policies=_POLICIES,
        policy_world={"sigma_bps_per_sqrt_s": 3.0, **_SAME_FLOW},
    ),
    "spread_floor_bps": Design(
        truths=(1.5, 3.0, 4.5, 6.0, 8.0, 10.0),
        typical=5.0,
        support=(-20.0, 40.0),
        seconds=7200.0,
        short_seconds=900.0,
        logarithmic=False,
        tolerance=0.25,
        is_cost=True,
        mirror_slack=0.03,
        information=None,
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 3.0)},
        policies=_POLICIES,
    ),
}


class NoWorldError(ValueError):
    """A parameter that has no world yet, so its learners cannot be tried."""


class Trials:
    """The worlds of one parameter, with their seeds.

    Parameters
    ----------
    name : str
        Parameter of the catalogue.
    seed : int
        Every tape and every draw derives from it.
    quick : bool
        Fewer replicates and simulations; the bounds stay.

    Raises
    ------
    NoWorldError
        If the parameter has no design.
    """

    def __init__(self, name: str, seed: int, quick: bool = False):
        if name not in DESIGNS:
            raise NoWorldError(f"{name} has no world yet; parameters with one: {', '.join(DESIGNS)}")
        self.parameter: Parameter = parameter(name)
        self.design = DESIGNS[name]
        self.seed = seed
        self.replicates = 2 if quick else 3
        self.simulations = 60 if quick else 150

    @property
    def typical_truth(self) -> float:
        """Truth of every check that needs one world."""
        return self.design.typical

    @property
    def low_high(self) -> tuple[float, float]:
        """A small and a large truth."""
        return self.design.truths[1], self.design.truths[-2]

    @property
    def tolerance(self) -> float:
        """Bias that does not matter, on the parameter's scale."""
        return self.design.tolerance

    @property
    def scale_name(self) -> str:
        """Words for the scale on which errors are measured."""
        return "(log)" if self.design.logarithmic else self.parameter.unit

    def scale(self, value: float, truth: float) -> float:
        """Put a value of the parameter on the scale on which errors are measured."""
        return float(np.log(max(value, 1e-12 * truth))) if self.design.logarithmic else float(value)

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a generator that depends on the seed, the parameter and the purpose only."""
        return np.random.default_rng(_number(self.seed, self.parameter.name, purpose))

    def typical(self, replicate: int = 0) -> Tape:
        """Return the tape of the typical truth, from one of several seeds."""
        return _tape(*self._typical_key(replicate))

    def typical_slices(self, replicate: int = 0) -> tuple[Tape, ...]:
        """Return the tape of the typical truth in slices of `SLICE_S` seconds."""
        return _slices(*self._typical_key(replicate))

    def _typical_key(self, replicate: int) -> _Key:
        return self._key(self.typical_truth, replicate, None, self.design.typical_policy, {})

    def tape(
        self,
        theta: float,
        replicate: int = 0,
        seconds: float | None = None,
        policy: Policy | None = None,
        **nuisance: float,
    ) -> Tape:
        """Simulate, or recall, the tape of a truth.

        Parameters
        ----------
        theta : float
            The truth, in the catalogue unit.
        replicate : int
            Which of the tapes of this truth; nuisances are drawn afresh for each.
        seconds : float, optional
            Length; the design's long tape if not given.
        policy : Policy, optional
            How we quoted; the world's own policy if not given.
        **nuisance : float
            World arguments to hold fixed.
        """
        return _tape(*self._key(theta, replicate, seconds, policy, nuisance))

    def _key(
        self, theta: float, replicate: int, seconds: float | None, policy: Policy | None, world: Mapping[str, float]
    ) -> _Key:
        length = self.design.seconds if seconds is None else seconds
        seed = _number(self.seed, self.parameter.name, replicate)
        return self.parameter.name, float(theta), float(length), seed, policy, tuple(sorted(world.items()))


#: Parameter, truth, seconds, seed, policy and nuisances: what makes a tape.
_Key = tuple[Any, ...]


@lru_cache(maxsize=192)
def _tape(
    name: str, theta: float, seconds: float, seed: int, policy: Policy | None, nuisance: tuple[tuple[str, float], ...]
) -> Tape:
    return plain(name, theta, seconds=seconds, seed=seed, policy=policy, **dict(nuisance))


@lru_cache(maxsize=4)
def _slices(*key: Any) -> tuple[Tape, ...]:
    return tuple(_tape(*key).slices(SLICE_S))


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
