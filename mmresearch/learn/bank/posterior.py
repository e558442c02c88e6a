"""Prior plus evidence for many rows of one family at once: the algebra of `mmresearch.belief`, on arrays.

    Beta, Gamma           first += sum, second += sum
    InverseGamma          shape += n/2, scale += S/2
    NormalInverseGamma    count += n, shape += n/2, scale += (M2 + gap^2 c)/2, location += gap n/(count + n)
    Normal, LogNormal     location += gap n v/(s^2 + n v), v *= s^2/(s^2 + n v)

with gap from the location to the mean of the observations, and c = count n/(count + n).

Means, variances and quantiles are those of the scalar families, formula by formula; where one does not exist it is NaN,
where it diverges infinite. Units as there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mmresearch.belief.beta import Beta
from mmresearch.belief.contract import FloatArray
from mmresearch.belief.families import Family
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.belief.special import gamma_isf, gamma_ppf

#: Columns of the parameters of a family: a tuple of arrays, in the order of the scalar class's fields.
Columns = tuple[FloatArray, ...]


@dataclass(frozen=True)
class Algebra:
    """One family on arrays.

    Attributes
    ----------
    scalar : type
        The class of `mmresearch.belief` whose formulas these are.
    signed : str
        Name of the parameter that may be negative, if any.
    known_variance : bool
        Whether it needs the variance of one observation.
    update : callable
        (prior columns, three evidence columns, known variance) -> posterior columns.
    mean, var : callable
        (*columns) -> array.
    ppf : callable
        (p, *columns) -> array; p broadcasts against the columns.
    """

    scalar: type[Family]
    signed: str
    known_variance: bool
    update: Callable[[Columns, Columns, FloatArray], Columns]
    mean: Callable[..., Any]
    var: Callable[..., Any]
    ppf: Callable[..., Any]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(self.scalar.__dataclass_fields__)


def _plus_sums(prior: Columns, evidence: Columns, _: FloatArray) -> Columns:
    return prior[0] + evidence[0], prior[1] + evidence[1]


def _plus_squares(prior: Columns, evidence: Columns, _: FloatArray) -> Columns:
    return prior[0] + evidence[0] / 2, prior[1] + evidence[1] / 2


def _plus_moments(prior: Columns, evidence: Columns, _: FloatArray) -> Columns:
    (location, count, shape, scale), (n, mean, m2) = prior, evidence
    total, gap = count + n, mean - location
    more = 0.5 * (m2 + gap * gap * count * (n / total))
    return location + gap * (n / total), total, shape + 0.5 * n, scale + np.where(n > 0, more, 0.0)


def _plus_known(prior: Columns, evidence: Columns, known: FloatArray) -> Columns:
    (location, variance), (n, mean, _) = prior, evidence
    spread = known + n * variance
    return location + n * variance / spread * (mean - location), variance * (known / spread)


def _inverse_gamma_mean(shape: FloatArray, scale: FloatArray) -> FloatArray:
    return np.where(shape > 1, scale / np.where(shape > 1, shape - 1, 1.0), np.inf)


def _inverse_gamma_var(shape: FloatArray, scale: FloatArray) -> FloatArray:
    ok = shape > 2
    mean = scale / np.where(ok, shape - 1, 1.0)
    return np.where(ok, mean**2 / np.where(ok, shape - 2, 1.0), np.inf)


def _student_var(_: FloatArray, count: FloatArray, shape: FloatArray, scale: FloatArray) -> FloatArray:
    return np.where(shape > 1, scale / np.where(shape > 1, shape - 1, 1.0) / count, np.inf)


def _student_ppf(p: Any, location: FloatArray, count: FloatArray, shape: FloatArray, scale: FloatArray) -> FloatArray:
    return location + np.sqrt(scale / shape / count) * special.stdtrit(2.0 * shape, p)


def _beta_var(a: FloatArray, b: FloatArray) -> FloatArray:
    n = a + b
    return (a / n) * (b / n) / (n + 1)


def _normal_ppf(p: Any, location: FloatArray, variance: FloatArray) -> FloatArray:
    return location + np.sqrt(variance) * special.ndtri(p)


def _student_mean(location: FloatArray, _: FloatArray, shape: FloatArray, __: FloatArray) -> FloatArray:
    return np.where(shape > 0.5, location, np.nan)


def _lognormal_var(mu: FloatArray, variance: FloatArray) -> FloatArray:
    return np.expm1(variance) * np.exp(2.0 * mu + variance)


_BETA = Algebra(
    Beta, "", False, _plus_sums, lambda a, b: a / (a + b), _beta_var, lambda p, a, b: special.betaincinv(a, b, p)
)
_GAMMA = Algebra(
    Gamma, "", False, _plus_sums, lambda s, r: s / r, lambda s, r: s / r / r, lambda p, s, r: gamma_ppf(p, s) / r
)
_INVERSE_GAMMA = Algebra(
    InverseGamma,
    "",
    False,
    _plus_squares,
    _inverse_gamma_mean,
    _inverse_gamma_var,
    lambda p, shape, scale: scale / gamma_isf(p, shape),
)
_STUDENT = Algebra(NormalInverseGamma, "location", False, _plus_moments, _student_mean, _student_var, _student_ppf)
_NORMAL = Algebra(Normal, "location", True, _plus_known, lambda m, v: m, lambda m, v: v, _normal_ppf)
_LOG = Algebra(
    LogNormal,
    "mu",
    True,
    _plus_known,
    lambda m, v: np.exp(m + 0.5 * v),
    _lognormal_var,
    lambda p, m, v: np.exp(_normal_ppf(p, m, v)),
)
#: In the order of the codes in `bank_events`.
ALGEBRA: tuple[Algebra, ...] = (_BETA, _GAMMA, _INVERSE_GAMMA, _STUDENT, _NORMAL, _LOG)
#: What the value of an event must be, in the same order.
NEEDS = (
    "a number of successes from 0 to the size",
    "a finite count that is not negative",
    "a finite residual",
    "a finite observation",
    "a finite observation",
    "a finite, positive observation",
)
#: Name of a family -> its code.
CODES = {algebra.scalar.__name__: code for code, algebra in enumerate(ALGEBRA)}
#: The largest number of parameters of a family.
PRIOR_WIDTH = max(len(algebra.fields) for algebra in ALGEBRA)


def posterior_columns(
    algebra: Algebra, rows: NDArray[np.int64], prior: FloatArray, evidence: FloatArray, known: FloatArray
) -> Columns:
    """Return the parameters of the posteriors of some rows of one family.

    Parameters
    ----------
    algebra : Algebra
        The family.
    rows : ndarray, shape (K,)
        Which rows.
    prior : ndarray, shape (R, 4)
        Parameters of the priors.
    evidence : ndarray, shape (R, 3)
        Evidence of all rows.
    known : ndarray, shape (R,)
        Variance of one observation.
    """
    columns = tuple(prior[rows, : len(algebra.fields)].T)
    return algebra.update(columns, tuple(evidence[rows].T), known[rows])


def read_rows(
    read: Callable[[Algebra, Columns], FloatArray],
    codes: NDArray[np.int8],
    prior: FloatArray,
    evidence: FloatArray,
    known: FloatArray,
) -> FloatArray:
    """Return one number per row, shape (R,), read from its posterior family by family.

    Parameters
    ----------
    read : callable
        (algebra, posterior columns) -> array.
    codes : ndarray, shape (R,)
        Family of each row.
    prior, evidence, known : ndarray
        See `posterior_columns`.
    """
    answer = np.empty(len(codes))
    with np.errstate(divide="ignore", over="ignore"):
        for code in np.unique(codes):
            rows, algebra = np.flatnonzero(codes == code), ALGEBRA[code]
            answer[rows] = read(algebra, posterior_columns(algebra, rows, prior, evidence, known))
    return answer


def stacked(beliefs: Sequence[Family]) -> tuple[NDArray[np.int8], FloatArray]:
    """Return the codes, shape (K,), and the parameters, shape (K, 4), of some beliefs."""
    codes = np.array([CODES[type(belief).__name__] for belief in beliefs], dtype=np.int8)
    numbers = np.full((len(beliefs), PRIOR_WIDTH), np.nan)
    for row, belief in zip(numbers, beliefs, strict=True):
        fields = astuple(belief)
        row[: len(fields)] = fields
    return codes, numbers
