"""What has been learned about one asset, as plain values that know nothing of files.

    posterior = prior + evidence,   age = now - time of the last evidence

Evidence is a flat mapping of finite numbers that add (counts, moments, exposures), so a prior can be changed later
without replay; an array is stored as one number per cell under keys such as ``exposure_s[3]``. Prior and posterior are
families, in the unit of the parameter; times are unix times in seconds, half-lives are in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import SupportsFloat

from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.belief.families import Family
from mmresearch.belief.prior_file import HandedBack
from mmresearch.learn.readiness.forgetting import Clock
from mmresearch.learn.readiness.rule import Ramp


@dataclass(frozen=True)
class Learned:
    """One learned parameter.

    Attributes
    ----------
    name : str
        Of the parameter, by custom one of the catalogue's.
    learner : str
        Who learned it; empty where nobody did.
    evidence : mapping of str to float
        The learner's counts and moments, finite.
    prior, posterior : Family
        Before and after the evidence, in the unit of the parameter.
    n_observations : int
        How many observations were ever taken in, whatever has been forgotten of them.
    updated_s : float or None
        Unix time of the last evidence; None if there was none, or nobody wrote down when.
    half_life_s : float or None
        Time in which evidence loses half its weight; None if it keeps it.
    typed_prior : (float, float) or None
        Mean and strength of the prior as another system wrote them, where those of `prior` round differently.
    clock : Clock or None
        How old the evidence is to a learner that forgets, on the clock of its tape; None where nothing is forgotten.
    ramp : Ramp or None
        The weight at which the learned number was in use, and when; None where it is used without one.
    """

    name: str
    learner: str
    evidence: Mapping[str, float]
    prior: Family
    posterior: Family
    n_observations: int = 0
    updated_s: float | None = None
    half_life_s: float | None = None
    typed_prior: tuple[float, float] | None = None
    clock: Clock | None = None
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be learned from, and keep a copy of the evidence.

        Raises
        ------
        ValueError
            If the name is empty, a count negative, a half-life not positive, or a number not finite.
        """
        if not self.name:
            raise ValueError("a learned parameter needs a name, got an empty one")
        numbers = {str(key): self._finite(f"evidence {key!r}", value) for key, value in self.evidence.items()}
        object.__setattr__(self, "evidence", numbers)
        object.__setattr__(self, "n_observations", _whole(f"{self.name}: n_observations", self.n_observations))
        for name in ("updated_s", "half_life_s"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, self._finite(name, getattr(self, name)))
        if self.half_life_s is not None and self.half_life_s <= 0:
            raise ValueError(f"{self.name}: half_life_s must be positive, or None for never, got {self.half_life_s}")

    def _finite(self, what: str, value: SupportsFloat) -> float:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{self.name}: {what} must be finite, got {number}")
        return number

    def age_s(self, now_s: float) -> float:
        """Return the seconds since the last evidence; infinite where there was none, or its time is not known."""
        return math.inf if self.updated_s is None else now_s - self.updated_s


@dataclass(frozen=True)
class LearnedParameters:
    """All that has been learned about one asset.

    Attributes
    ----------
    asset : str
        Which.
    parameters : tuple of Learned
        Each name once.
    total_fills_observed : int
        Fills seen so far, the measure of warming up.
    """

    asset: str
    parameters: tuple[Learned, ...] = field(default=())
    total_fills_observed: int = 0

    def __post_init__(self) -> None:
        """Refuse an unnamed asset, a parameter given twice and a negative number of fills.

        Raises
        ------
        ValueError
            Saying which.
        """
        object.__setattr__(self, "parameters", tuple(self.parameters))
        names = self.names
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"{self.asset}: {', '.join(twice)} given more than once; keep one of each")
        if not self.asset:
            raise ValueError("learned parameters belong to an asset; its name is empty")
        fills = _whole(f"{self.asset}: total_fills_observed", self.total_fills_observed)
        object.__setattr__(self, "total_fills_observed", fills)

    @property
    def names(self) -> list[str]:
        """Names of the parameters, in their order."""
        return [p.name for p in self.parameters]

    def __getitem__(self, name: str) -> Learned:
        """Return a parameter by name.

        Raises
        ------
        KeyError
            Naming those that there are.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(f"nothing was learned about {name!r} of {self.asset}; there are {', '.join(self.names)}")


def _whole(what: str, value: SupportsFloat) -> int:
    """Return a count as an int, whatever whole number it came as."""
    number = float(value)
    if not number.is_integer() or number < 0:
        raise ValueError(f"{what} must be a whole number from 0, got {value}")
    return int(value)  # type: ignore[call-overload]


def defaults(asset: str, preset: str = "default", priors: Mapping[str, HandedBack] | None = None) -> LearnedParameters:
    """Return what is believed of an asset before any data: the catalogue's priors, or those handed back by a fit.

    Parameters
    ----------
    asset : str
        Which.
    preset : str
        "default", or a preset such as "liquid" or "thin"; rows without it keep their default.
    priors : mapping, optional
        Parameter -> prior in the place of the catalogue's; see `mmresearch.belief.prior_file`.

    Raises
    ------
    ValueError
        If no row of the catalogue has the preset.
    """
    known = sorted({"default"} | {name for row in CATALOGUE.values() for name in row.presets})
    if preset not in known:
        raise ValueError(f"there is no preset {preset!r}; there are {', '.join(known)}")
    rows = []
    for name, row in CATALOGUE.items():
        belief = prior(name, preset if preset in row.presets else "default")
        if priors and name in priors:
            belief = priors[name].prior
        rows.append(Learned(name, "", {}, belief, belief))
    return LearnedParameters(asset, tuple(rows))
