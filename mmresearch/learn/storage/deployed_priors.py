"""How the deployed system writes a prior down, and how a belief of another family is brought into its five.

    Beta          p1, p2 = a, b            strength a + b             mean a/(a + b)
    Gamma         p1, p2 = shape, rate     strength shape             mean shape/rate
    Normal        p1, p2 = mean, variance  strength 1/variance        mean
    InverseGamma  p1, p2 = shape, scale    strength 2 shape           mean scale/(shape - 1)
    LogNormal     p1, p2 = mu, variance    strength 1/sqrt(variance)  mean exp(mu + variance/2); both on the log scale

A prior is kept as the mean and strength that somebody typed. Where rounding loses them (b = (1 - .999) 1000), they are
taken from the catalogue, or remembered beside the prior. Means are in the unit of the parameter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import CATALOGUE, parameter, prior
from mmresearch.belief.families import FAMILIES, FIRMNESS, Family, family_from_mean
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal

Typed = tuple[float, float]

#: Family -> names of p1 and p2 in `mmresearch.belief`.
_POSITIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Beta": ("a", "b"),
        "Gamma": ("shape", "rate"),
        "Normal": ("location", "variance"),
        "InverseGamma": ("shape", "scale"),
        "LogNormal": ("mu", "variance"),
    }
)
#: By how much numbers that were typed and those of the prior built from them may differ by rounding.
_ROUNDING = 1e-9
#: The same for the log-scale mean, which cancels to nothing near a mean of 1.
_LOG_ROUNDING = 1e-12


def positions(belief: Family) -> tuple[float, float]:
    """Return p1 and p2 of a belief of one of the five families."""
    first, second = _POSITIONS[type(belief).__name__]
    return float(getattr(belief, first)), float(getattr(belief, second))


def belief_at(family: str, first: float, second: float) -> Family:
    """Return the belief of one of the five families with that p1 and p2.

    Raises
    ------
    ValueError
        If they make no distribution.
    """
    return FAMILIES[family](**dict(zip(_POSITIONS[family], (first, second), strict=True)))


def typed_prior(name: str, belief: Family, remembered: Typed | None = None) -> Typed:
    """Return mean and strength of a prior as somebody typed them, as far as that is known.

    Parameters
    ----------
    name : str
        Parameter of the catalogue.
    belief : Family
        Its prior, of one of the five families.
    remembered : (float, float), optional
        Mean and strength from a file; passed over if the prior has changed since.
    """
    if remembered is not None and _is_close(belief, remembered):
        return remembered
    for known, typed in _catalogue_priors(name):
        if known == belief:
            return typed
    return typed_of(belief)


def prior_from_typed(family: str, typed: Typed, untouched: Family | None = None) -> Family:
    """Return the prior behind mean and strength in a file, without a digit lost where the digits are known.

    Parameters
    ----------
    family : str
        The family in the file.
    typed : (float, float)
        Mean and strength in the file.
    untouched : Family, optional
        The posterior, if there were no observations: it is the prior then.

    Raises
    ------
    ValueError
        If the numbers make no distribution.
    """
    if untouched is not None and _is_close(untouched, typed):
        return untouched
    return from_typed(family, *typed)


def _catalogue_priors(name: str) -> Iterator[tuple[Family, Typed]]:
    for preset in ("default", *parameter(name).presets):
        given = {**CATALOGUE[name].prior, **CATALOGUE[name].presets.get(preset, {})}
        kind = FIRMNESS[given["family"]]
        yield prior(name, preset), (float(given["mean"]), _strength(kind, float(given[kind])))


def _strength(kind: str, firmness: float) -> float:
    """Return the strength that the file gives a prior whose firmness was typed as strength, variance or cv."""
    if kind == "variance":
        return 1.0 / firmness
    return firmness if kind == "strength" else 1.0 / math.sqrt(math.log1p(firmness * firmness))


def _is_close(belief: Family, typed: Typed) -> bool:
    """Whether mean and strength build that belief, but for rounding."""
    built = from_typed(type(belief).__name__, *typed)
    pairs = zip(positions(built), positions(belief), strict=True)
    floor = _LOG_ROUNDING if isinstance(belief, LogNormal) else 0.0
    return all(math.isclose(x, y, rel_tol=_ROUNDING, abs_tol=floor) for x, y in pairs)


def typed_of(belief: Family) -> Typed:
    """Return mean and strength of a prior, as the deployed format counts strength.

    Raises
    ------
    ValueError
        If the format does not know the family.
    """
    match belief:
        case Beta():
            return belief.mean(), belief.a + belief.b
        case Gamma():
            return belief.mean(), belief.shape
        case Normal():
            return belief.location, 1.0 / belief.variance
        case InverseGamma():
            return belief.mean(), 2.0 * belief.shape
        case LogNormal():
            return belief.mean(), 1.0 / math.sqrt(belief.variance)
    raise ValueError(f"the deployed format has no family {type(belief).__name__}")


def from_typed(family: str, mean: float, strength: float) -> Family:
    """Return the prior that the deployed system builds from a mean and a strength as its file has them.

    Raises
    ------
    ValueError
        If the strength is not positive, or the numbers make no distribution.
    """
    if not strength > 0.0:
        raise ValueError(f"a prior strength must be positive, got {strength}")
    if family == "Normal":
        return family_from_mean(family, mean, 1.0 / strength)
    if family == "LogNormal":
        if not mean > 0.0:
            raise ValueError(f"a log-normal must have a positive mean, got {mean}")
        variance = strength**-2.0
        return LogNormal(math.log(mean) - 0.5 * variance, variance)
    return family_from_mean(family, mean, strength)


def matched(family: str, belief: Family) -> Family:
    """Return the member of a family with the mean and the standard deviation of a belief.

    Raises
    ------
    ValueError
        If there is none: the belief lies where the family cannot, or has no variance.
    """
    if type(belief) is FAMILIES[family]:
        return belief
    m, v = belief.mean(), belief.var()
    if not (math.isfinite(m) and 0.0 < v < math.inf):
        raise ValueError(f"a {type(belief).__name__} without mean or variance fits no {family}")
    if family == "Normal":
        return Normal(m, v)
    if m <= 0.0 or (family == "Beta" and v >= m * (1.0 - m)):
        raise ValueError(f"a {family} cannot hold mean {m:.6g} with sd {math.sqrt(v):.6g}")
    if family == "Beta":
        count = m * (1.0 - m) / v - 1.0
        return Beta(m * count, (1.0 - m) * count)
    if family == "Gamma":
        return Gamma(m * m / v, m / v)
    if family == "InverseGamma":
        return InverseGamma(2.0 + m * m / v, m * (1.0 + m * m / v))
    variance = math.log1p(v / (m * m))
    return LogNormal(math.log(m) - 0.5 * variance, variance)
