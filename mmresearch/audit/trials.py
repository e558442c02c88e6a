"""The trials of a parameter: the tapes of its design, with their seeds.

Tapes are made by `mmresearch.sim.worlds.plain` from (truth, seed), so every learner of a parameter meets the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from mmresearch.audit.designs import DESIGNS
from mmresearch.belief.catalogue import Parameter, parameter
from mmresearch.sim.policies import Policy
from mmresearch.sim.worlds import plain
from mmresearch.tape.schema import Tape


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
        if not self.design.logarithmic:
            return self.parameter.unit
        return "(log rate)" if self.parameter.scaled_as == "rate" else "(log)"

    def scale(self, value: float, truth: float) -> float:
        """Put a value of the parameter on the scale on which errors are measured."""
        if not self.design.logarithmic:
            return float(value)
        if self.parameter.scaled_as == "rate":
            value, truth = -np.log(value), -np.log(truth)
        return float(np.log(max(value, 1e-12 * truth)))

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a generator that depends on the seed, the parameter and the purpose only."""
        return np.random.default_rng(_number(self.seed, self.parameter.name, purpose))

    def typical(self, replicate: int = 0) -> Tape:
        """Return the tape of the typical truth, from one of several seeds."""
        return _tape(*self._typical_key(replicate))

    def typical_slices(self, replicate: int = 0) -> tuple[Tape, ...]:
        """Return the tape of the typical truth in slices of the design's length."""
        return _slices(self.design.slice_s, *self._typical_key(replicate))

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
    tape = plain(name, theta, seconds=seconds, seed=seed, policy=policy, **dict(nuisance))
    hours = pd.DataFrame({"start": [tape.t0], "end": [tape.t1]})
    return replace(tape, sessions=hours) if DESIGNS[name].closes else tape


@lru_cache(maxsize=4)
def _slices(seconds: float, *key: Any) -> tuple[Tape, ...]:
    return tuple(_tape(*key).slices(seconds))


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
