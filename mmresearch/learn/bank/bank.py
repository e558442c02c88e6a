"""A bank of learners: thousands of (asset, parameter) pairs that learn together and answer together.

    evidence_i += events of row i,   evidence_i *= 2^(-dt/half-life_i),   posterior_i = prior_i + evidence_i

Rows may be of any of six families, mixed. An event is a row, a value and a size:

    Beta                  value: successes, size: trials                  evidence: successes, failures
    Gamma                 value: events, size: exposure                   count, exposure
    InverseGamma          value: residual, size: weight                   n, sum of squares
    NormalInverseGamma    value: observation, size: weight                n, mean, M2
    Normal                value: observation of known variance, weight    n, mean, M2
    LogNormal             value: positive observation, weight             n, mean and M2 of its logarithm

(failures are kept, not n: n - k cancels.) Sums carry what rounding drops, so that neither the order of the events nor
how they are batched shows in the posterior, after 1e8 of them. Values in the unit of the parameter, times in seconds.
Compiled by numba: `benchmarks/bank.py` says what it was measured against.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mmresearch.belief.contract import FloatArray
from mmresearch.belief.families import Family
from mmresearch.learn.bank import events, intake, posterior
from mmresearch.learn.bank.events import CodeArray, IntArray
from mmresearch.learn.bank.intake import BankError, PerParameter
from mmresearch.learn.bank.posterior import Algebra, Columns

LEVELS = ("asset", "parameter")
#: The sums of a bank whose memory was given to the next.
GIVEN_AWAY = np.empty((0, events.WIDTH))


@dataclass(frozen=True, eq=False)
class Bank:
    """Priors and evidence of many learners; a value: what changes it returns another. Picklable.

    Parameters
    ----------
    keys : pandas.MultiIndex, length R
        (asset, parameter) of each row, without repeats.
    codes : ndarray of int8, shape (R,)
        Family of each row: its place in `bank_posterior.ALGEBRA`.
    prior : ndarray, shape (R, 4)
        Parameters of the priors in the order of the scalar class, in its units; the columns a family has no use for are
        not read.
    observation_variance : ndarray, shape (R,)
        Known variance of one observation, or of its logarithm; read for Normal and LogNormal.
    half_life_s : ndarray, shape (R,)
        After how many seconds evidence counts half; infinite to forget nothing.
    sums : ndarray, shape (R, 6)
        The three columns of evidence, and what rounding left of each.

    Raises
    ------
    BankError
        If shapes disagree, a key is repeated, or a prior is improper.
    """

    keys: pd.MultiIndex
    codes: CodeArray
    prior: FloatArray
    observation_variance: FloatArray
    half_life_s: FloatArray
    sums: FloatArray = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        rows = len(self.keys)
        wanted = {"codes": (rows,), "prior": (rows, posterior.PRIOR_WIDTH), "observation_variance": (rows,)}
        for name, shape in {**wanted, "half_life_s": (rows,), "sums": (rows, events.WIDTH)}.items():
            if np.shape(getattr(self, name)) != shape:
                raise BankError(f"{name} has shape {np.shape(getattr(self, name))}; {rows} keys need {shape}")
        if not self.keys.is_unique:
            raise BankError(f"the key {self.keys[self.keys.duplicated()][0]} appears twice; each row needs its own")
        if not np.isin(self.codes, list(posterior.CODES.values())).all():
            raise BankError(f"codes must be 0 to {len(posterior.ALGEBRA) - 1}: {', '.join(posterior.CODES)}")
        intake.refuse_where(~(self.half_life_s > 0), self.keys, "half_life_s", self.half_life_s, "positive")
        intake.refuse_priors(self.keys, self.codes, self.prior, self.observation_variance)

    # --- Building one.
    @classmethod
    def from_priors(
        cls,
        priors: Mapping[tuple[str, str], Family],
        observation_variance: PerParameter = math.nan,
        half_life_s: PerParameter = math.inf,
    ) -> Bank:
        """Return a bank without evidence, from one prior per (asset, parameter); for the others see `across`."""
        keys = pd.MultiIndex.from_tuples(list(priors), names=LEVELS)
        return cls._empty(keys, list(priors.values()), np.arange(len(priors)), observation_variance, half_life_s)

    @classmethod
    def across(
        cls,
        assets: Iterable[str],
        priors: Mapping[str, Family],
        observation_variance: PerParameter = math.nan,
        half_life_s: PerParameter = math.inf,
    ) -> Bank:
        """Return a bank without evidence, in which every asset starts from the same prior of each parameter.

        Parameters
        ----------
        assets : iterable of str
            Names.
        priors : mapping
            Parameter -> prior, a family of `mmresearch.belief`.
        observation_variance : float or mapping
            Known variance of one observation, for all or by parameter; needed by Normal and LogNormal.
        half_life_s : float or mapping
            Half-life of evidence in seconds, for all or by parameter.
        """
        names = list(assets)
        keys = pd.MultiIndex.from_product([names, list(priors)], names=LEVELS)
        take = np.tile(np.arange(len(priors)), len(names))
        return cls._empty(keys, list(priors.values()), take, observation_variance, half_life_s)

    @classmethod
    def _empty(
        cls,
        keys: pd.MultiIndex,
        beliefs: Sequence[Family],
        take: NDArray[np.intp],
        observation_variance: PerParameter,
        half_life_s: PerParameter,
    ) -> Bank:
        codes, prior = posterior.stacked(beliefs)
        variance = intake.by_parameter(observation_variance, keys, math.nan)
        half_life = intake.by_parameter(half_life_s, keys, math.inf)
        return cls(keys, codes[take], prior[take], variance, half_life, np.zeros((len(keys), events.WIDTH)))

    # --- Learning.
    def rows(self, assets: ArrayLike, parameters: ArrayLike) -> IntArray:
        """Return the rows of (asset, parameter) pairs: what `update` takes.

        Parameters
        ----------
        assets, parameters : array_like of str
            Broadcast against each other: a column of assets with one parameter, say.

        Raises
        ------
        BankError
            If a pair is not in the bank.
        """
        pairs = np.broadcast_arrays(np.asarray(assets, dtype=object), np.asarray(parameters, dtype=object))
        asked = pd.MultiIndex.from_arrays([np.atleast_1d(p) for p in pairs], names=LEVELS)
        found = self.keys.get_indexer(asked)
        if (found < 0).any():
            raise BankError(intake.unknown_key(asked[int(np.argmax(found < 0))], self.keys))
        return found.astype(np.int64)

    def update(
        self,
        rows: ArrayLike,
        values: ArrayLike,
        sizes: ArrayLike = 1.0,
        age_s: ArrayLike | None = None,
        donate: bool = False,
    ) -> Bank:
        """Return the bank after a batch of events, any number of them per row and in any order.

        Parameters
        ----------
        rows : array_like of int, shape (E,)
            Row of each event: see `rows`.
        values : array_like, shape (E,) or ()
            What was seen, in the unit of the row's parameter.
        sizes : array_like, shape (E,) or ()
            Trials, exposure or weight, by family.
        age_s : array_like, shape (E,) or (), optional
            How long ago each event was, in seconds: it counts 2^(-age/half-life) of its size.
        donate : bool
            Reuse the memory of this bank, which cannot be used afterwards: a copy of a large bank costs as its events.

        Raises
        ------
        BankError
            If an event names a row that is not there or is none that its family can produce; nothing is changed then.
        """
        at = intake.row_column(rows)
        seen, weight = intake.number_column(values, "values", at.size), intake.number_column(sizes, "sizes", at.size)
        refused = events.first_refused(self.codes, at, seen, weight)
        if refused >= 0:
            raise BankError(intake.why_refused(refused, self.keys, self.codes, at, seen, weight))
        if age_s is not None:
            age = intake.number_column(age_s, "age_s", at.size)
            seen, weight = intake.discounted(self.codes, self.half_life_s, at, seen, weight, age)
        after = self._kept() if donate else self._kept().copy()
        events.add_events(after, self.codes, at, seen, weight)
        return self._with(after, donate)

    def decay(self, seconds: ArrayLike, donate: bool = False) -> Bank:
        """Return the bank after a silence: counts, sums and M2 times 2^(-seconds/half-life), means as they were.

        Parameters
        ----------
        seconds : array_like, shape () or (R,)
            How long, not negative.
        donate : bool
            Reuse the memory of this bank: see `update`.
        """
        elapsed = intake.number_column(seconds, "seconds", len(self.keys))
        bad = ~((elapsed >= 0) & (elapsed < np.inf))
        intake.refuse_where(bad, self.keys, "silence", elapsed, "finite and not negative")
        before = self._kept()
        factor = np.exp2(-elapsed / self.half_life_s)[:, None]
        means = before[:, 1::3].copy()
        after = np.multiply(before, factor, out=before if donate else None)
        np.copyto(after[:, 1::3], means, where=(self.codes > events.SQUARES)[:, None])
        return self._with(after, donate)

    def merge(self, other: Bank) -> Bank:
        """Return this bank with the evidence of another of the same keys and families added; priors are this one's.

        Raises
        ------
        BankError
            If keys or families differ.
        """
        if not self.keys.equals(other.keys) or not np.array_equal(self.codes, other.codes):
            raise BankError("only banks of the same keys and families, in the same order, merge")
        after = self._kept().copy()
        events.merge_rows(after, self.codes, other._kept())
        return self._with(after, False)

    # --- Answering.
    @property
    def evidence(self) -> FloatArray:
        """The three columns of evidence of each row, shape (R, 3); what they are is said by family above."""
        kept = self._kept()
        return kept[:, : events.WIDTH // 2] + kept[:, events.WIDTH // 2 :]

    def posterior_mean(self) -> FloatArray:
        """Return the posterior means, shape (R,), in the unit of each parameter."""
        return self._read(lambda algebra, columns: algebra.mean(*columns))

    def posterior_sd(self) -> FloatArray:
        """Return the posterior standard deviations, shape (R,), in the unit of each parameter."""
        return self._read(lambda algebra, columns: np.sqrt(algebra.var(*columns)))

    def posterior_ppf(self, p: float) -> FloatArray:
        """Return the posterior quantiles at `p`, shape (R,), exact."""
        return self._read(lambda algebra, columns: algebra.ppf(p, *columns))

    def posterior_interval(self, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return both ends of the equal-tailed intervals that hold the given probability, each of shape (R,).

        Raises
        ------
        BankError
            If the level is not strictly between 0 and 1.
        """
        if not 0 < level < 1:
            raise BankError(f"level must lie strictly between 0 and 1, got {level}")
        tail = (1 - level) / 2
        return self.posterior_ppf(tail), self.posterior_ppf(1 - tail)

    def belief(self, key: tuple[str, str]) -> Family:
        """Return the posterior of one (asset, parameter) as an object of its family."""
        row = self.rows(*key)
        algebra = posterior.ALGEBRA[self.codes[row[0]]]
        columns = posterior.posterior_columns(algebra, row, self.prior, self.evidence, self.observation_variance)
        return algebra.scalar(*(float(column[0]) for column in columns))

    def to_frame(self, level: float = 0.9) -> pd.DataFrame:
        """Return a table, one row per key: family, events counted (discounted), mean, sd and interval of the level."""
        evidence = self.evidence
        counted = evidence[:, 0] + np.where(self.codes == events.BETA, evidence[:, 1], 0.0)
        lower, upper = self.posterior_interval(level)
        family = np.array(list(posterior.CODES))[self.codes]
        answers = {"mean": self.posterior_mean(), "sd": self.posterior_sd(), "lower": lower, "upper": upper}
        return pd.DataFrame({"family": family, "events": counted, **answers}, index=self.keys)

    def _read(self, read: Callable[[Algebra, Columns], FloatArray]) -> FloatArray:
        return posterior.read_rows(read, self.codes, self.prior, self.evidence, self.observation_variance)

    def _kept(self) -> FloatArray:
        if len(self.sums) != len(self.keys):
            raise BankError("the memory of this bank was given to the bank that its last donating call returned")
        return self.sums

    def _with(self, sums: FloatArray, donate: bool) -> Bank:
        """Return a bank with other evidence; keys and priors were checked when they came."""
        after = copy.copy(self)
        object.__setattr__(after, "sums", sums)
        if donate:
            object.__setattr__(self, "sums", GIVEN_AWAY)
        return after
