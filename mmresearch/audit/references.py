"""The reference posteriors of an audit: one hierarchical fit per model, source of events and backend.

A model may teach several parameters (Hawkes flow teaches three); they share its fit. Models of series read quotes,
trades and signals, which are the same whoever's fills a learner sees: their source is "series".

A reference may be believed if its fit passes the admission gate and, where both backends were run, if the two
posteriors agree within Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmresearch.audit.result import Finding, FitSummary
from mmresearch.audit.sources import unpooled
from mmresearch.learn.batch.events import Source, shown_from
from mmresearch.models.features import feature_evidence
from mmresearch.models.fit import MODELLED, Backend, Fit, fit
from mmresearch.models.inputs import Family, family_of, fittable, model_of
from mmresearch.models.series import series_evidence
from mmresearch.tape.evidence import evidence
from mmresearch.tape.schema import Tape

#: Two backends may differ by this many Monte Carlo standard errors in one of about sixty comparisons.
Z_BOUND = 4.0
_QUANTILES = (0.05, 0.5, 0.95)


#: Which parameters get a reference: those that fills and market orders teach, or every one that has a model.
References = Literal["fills", "all"]
#: Whose events a reference reads: those of series are the same for every learner.
Read = Source | Literal["series"]


@dataclass(frozen=True)
class Task:
    """One fit to be made: model, source of events, backend."""

    model: str
    source: Read
    backend: Backend

    @property
    def reads(self) -> tuple[Family, Read]:
        """The evidence that the model reads: its family, and whose events."""
        return family_of(self.parameter), self.source

    @property
    def parameter(self) -> str:
        """The first parameter that the model teaches."""
        return next(name for name in fittable() if model_of(name) == self.model)


def read_by(parameter: str, source: Source) -> Read:
    """Say what the model of a parameter reads where a learner of it is shown a source of events."""
    return "series" if family_of(parameter) == "series" else source


def has_reference(parameter: str, references: References) -> bool:
    """Whether a parameter gets a reference."""
    return parameter in (MODELLED if references == "fills" else fittable())


@dataclass(frozen=True)
class Reference:
    """Fits of one parameter to one source of events, by backend, with the evidence that they were given."""

    parameter: str
    source: Read
    evidence: Any
    fits: dict[str, Fit]

    @property
    def primary(self) -> Fit:
        """The fit whose draws are compared with: the first backend."""
        return next(iter(self.fits.values()))

    def draws(self, asset: str, name: str | None = None) -> NDArray[np.float64]:
        """Posterior draws of a variable (the parameter itself by default) for one asset; shape (S,)."""
        return chains(self.primary, name or self.parameter, asset).ravel()


def chains(fitted: Fit, name: str, asset: str) -> NDArray[np.float64]:
    """Posterior draws of a variable for one asset, shape (chains, draws)."""
    return fitted.posterior["posterior"][name].sel(asset=asset).transpose("chain", "draw").to_numpy()


def evidence_for(family: Family, tapes: Sequence[Tape], source: Read, seed: int, window_s: float) -> Any:
    """Evidence of the events that the source shows, one entry per tape.

    Parameters
    ----------
    family : {"fills", "series", "features"}
        Which evidence.
    tapes : sequence of Tape
        Tapes as read.
    source : str
        Which events are shown; see `mmresearch.learn.batch.events`; or "series".
    seed : int
        For hypothetical orders.
    window_s : float
        Length of the windows in seconds.
    """
    if source == "series":
        return series_evidence(tapes)
    shown = [shown_from(tape, source, seed) for tape in tapes]
    return feature_evidence(shown) if family == "features" else evidence(shown, window_s=window_s)


def run_task(task: Task, given: Any, seed: int, quick: bool) -> Fit:
    """Make one fit; a function of its arguments alone, so it may run in any process.

    Parameters
    ----------
    task : Task
        What to fit, in which backend.
    given : Evidence
        To what.
    seed : int
        Seed of the sampler.
    quick : bool
        Shorter chains; the gate stays.
    """
    return fit(task.parameter, given, backend=task.backend, seed=seed, quick=quick, progress=False)


def summarise_fit(reference: Reference, backend: str) -> FitSummary:
    """Reduce a fit to what the report shows."""
    fitted = reference.fits[backend]
    assets = reference.evidence.assets
    draws = [chains(fitted, reference.parameter, a) for a in assets]
    gate = fitted.gate
    return FitSummary(
        parameter=reference.parameter,
        backend=backend,
        sampler=fitted.sampler,
        parameterisation=fitted.parameterisation,
        assets=assets,
        means=tuple(float(d.mean()) for d in draws),
        sds=tuple(float(d.std(ddof=1)) for d in draws),
        min_ess=gate.min_ess,
        max_rhat=gate.max_rhat,
        divergences=float(gate.divergences),
        min_bfmi=gate.min_bfmi,
        admitted=gate.passed,
        seconds=fitted.seconds,
        unpooled=tuple(unpooled(reference.parameter, reference.evidence, i) for i in range(len(assets))),
        source=reference.source,
    )


def reference_finding(reference: Reference, asset: str) -> Finding:
    """May the reference be believed?"""
    for backend, fitted in reference.fits.items():
        if not fitted.gate.passed:
            worst = fitted.gate.table.query("not passed").iloc[0]
            limit = f"{worst['value']:.3g} against {worst['bound']:.3g}"
            why = f"{backend}: {worst['check']} is {limit} ({worst['variable']})."
            mend = "Run longer, or choose the other parameterisation; a fit that is not admitted is no reference."
            return Finding(
                "reference", "reference", "fail", float(worst["value"]), float(worst["bound"]), None, why, mend
            )
    if len(reference.fits) < 2:
        why = f"the {reference.primary.backend} fit passes the admission gate; run both backends to compare them."
        return Finding("reference", "reference", "pass", None, None, None, why)
    first, second = (chains(f, reference.parameter, asset) for f in reference.fits.values())
    z = backend_z(first, second)
    power = float(np.mean([backend_z(first, s) > Z_BOUND for s in _damaged(second)]))
    why = f"PyMC and NumPyro pass the gate and differ by at most {z:.1f} Monte Carlo standard errors."
    return Finding("reference", "reference", "pass" if z < Z_BOUND else "fail", z, Z_BOUND, power, why)


def _damaged(chains_: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    mean, sd = chains_.mean(), chains_.std()
    return [chains_ + 0.25 * sd, mean + 0.8 * (chains_ - mean)]


def backend_z(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Largest difference of mean, log sd and 5, 50, 95 % quantiles, in Monte Carlo standard errors.

    The errors are those of batches: each chain is cut into blocks, and the spread of the blocks' statistics is scaled.
    """
    a, b = _statistics(first), _statistics(second)
    return float(np.max(np.abs(a[0] - b[0]) / np.hypot(a[1], b[1])))


def _statistics(draws: NDArray[np.float64], blocks: int = 5) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pieces = [p for chain in draws for p in np.array_split(chain, blocks)]

    def numbers(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([x.mean(), np.log(x.std(ddof=1)), *np.quantile(x, _QUANTILES)])

    each = np.array([numbers(p) for p in pieces])
    return numbers(draws.ravel()), each.std(axis=0, ddof=1) / np.sqrt(len(pieces))
