"""The admission gate: may these draws serve as a reference?

R-hat < 1.01 and effective sample sizes (bulk and tail) >= 400 for every number that is reported or shared by all
assets, R-hat < 1.01 for window effects too, no divergence, and energy diagnostics (BFMI) > .3 in every chain. Sources:
Vehtari et al. 2021; Betancourt 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import arviz as az
import numpy as np
import pandas as pd

RHAT_BOUND = 1.01
ESS_BOUND = 400.0
BFMI_BOUND = 0.3
#: Effects of single windows are averaged over, never reported: they must have converged, not be known to 400 draws.
INNER = ("w_kappa",)


class GateError(ValueError):
    """Draws whose quality cannot be told."""


@dataclass(frozen=True)
class Gate:
    """Diagnostics of a fit against their bounds.

    Attributes
    ----------
    table : pandas.DataFrame
        check, value, bound, passed, and the variable that is worst.
    """

    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.table["passed"].all())

    @property
    def only_diverged(self) -> bool:
        """Whether divergences are the one check that failed: smaller steps are called for, not more draws."""
        return self.table.loc[~self.table["passed"], "check"].tolist() == ["divergences"]

    def _value(self, *checks: str) -> float:
        return float(self.table.loc[self.table["check"].isin(checks), "value"].min())

    @property
    def min_ess(self) -> float:
        """Smallest effective sample size, bulk or tail."""
        return self._value("ess bulk", "ess tail")

    @property
    def max_rhat(self) -> float:
        """Largest R-hat."""
        return self._value("r-hat")

    @property
    def divergences(self) -> int:
        """Number of divergent transitions."""
        return int(self._value("divergences"))

    @property
    def min_bfmi(self) -> float:
        """Smallest BFMI over chains."""
        return self._value("bfmi")


def gate(draws: Any, ess_bound: float | None = None) -> Gate:
    """Judge draws.

    Parameters
    ----------
    draws : xarray.DataTree
        With groups ``posterior`` and ``sample_stats`` (``diverging`` and ``energy``).
    ess_bound : float, optional
        Least effective sample size; `ESS_BOUND` where none is given.

    Returns
    -------
    Gate

    Raises
    ------
    GateError
        If draws or sampler statistics are missing: no news is not good news.
    """
    for group in ("posterior", "sample_stats"):
        if group not in draws.children:
            raise GateError(f"the draws have no {group}; sample with divergences and energy recorded")
    stats = draws["sample_stats"]
    missing = [name for name in ("diverging", "energy") if name not in stats]
    if missing:
        raise GateError(f"sample_stats lack {', '.join(missing)}; sample with them recorded")
    least = ESS_BOUND if ess_bound is None else ess_bound
    posterior = draws["posterior"].to_dataset()
    # Ranks hide an infinite draw: to the diagnostics it is just the largest.
    posterior = posterior.where(np.isfinite(posterior))
    outer = posterior.drop_vars([name for name in INNER if name in posterior])
    rows = [
        _worst("r-hat", az.rhat(posterior), RHAT_BOUND, largest=True),
        _worst("ess bulk", az.ess(outer, method="bulk"), least, largest=False),
        _worst("ess tail", az.ess(outer, method="tail"), least, largest=False),
    ]
    divergent = int(stats["diverging"].sum())
    rows.append(("divergences", float(divergent), 0.0, divergent == 0, "all chains"))
    energy = stats["energy"].transpose("chain", "draw").to_numpy()
    moves, variance = np.square(np.diff(energy, axis=1)).mean(axis=1), energy.var(axis=1)
    # Energy that stands still has no BFMI, and a chain without one is refused.
    bfmi = np.divide(moves, variance, out=np.full(len(variance), np.nan), where=variance > 0)
    rows.append(("bfmi", float(bfmi.min()), BFMI_BOUND, bool(bfmi.min() > BFMI_BOUND), f"chain {int(bfmi.argmin())}"))
    return Gate(pd.DataFrame(rows, columns=["check", "value", "bound", "passed", "variable"]))


def _worst(check: str, values: Any, bound: float, largest: bool) -> tuple[str, float, float, bool, str]:
    """Find the worst value over variables; a value that is not a number is the worst there is."""
    by_name = {}
    for name in values.data_vars:
        numbers = np.asarray(values[name].to_numpy(), dtype=float).ravel()
        pick = np.max if largest else np.min
        by_name[name] = float(pick(np.where(np.isnan(numbers), np.inf if largest else 0.0, numbers)))
    choose = max if largest else min
    worst = choose(by_name, key=lambda name: by_name[name])
    value = by_name[worst]
    return check, value, bound, (value < bound) if largest else (value >= bound), str(worst)
