"""A fit against data: leave-one-out, uniformity of PIT values and test quantities, asset by asset, as plain tables.

A check is surprising if it survives Holm's correction over all checks of the fit at 5 %: a right model has a surprising
row with that chance at most. No model is right, and with enough rows every one is found out: how far a value lies from
its interval says more than that it does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from mmresearch.models.criticism.left_out import KHAT, LeftOut, left_out, pit
from mmresearch.models.criticism.pointwise import rows
from mmresearch.models.criticism.residuals import CHECKS, LEAST, Found, checked, paired
from mmresearch.models.criticism.rows import DRAWS, AssetRows, FloatArray
from mmresearch.models.data import EvidenceError
from mmresearch.models.fit import Fit

#: Chance of a surprising row in a right model.
FALSE_ALARM = 0.05
COLUMNS = ("asset", "check", "value", "low", "high", "p", "surprising", "why")


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes
    ----------
    table : DataFrame
        One row per asset and check: value, 95 % interval of a right model (low, high), two-sided p, surprising, why.
    loo : DataFrame
        One row per asset: rows, elpd (nats, constants of the data left out), se, penalty, worst_khat, share_bad.
    pit : mapping
        (asset, values) -> PIT values.
    unit : str
        What a row is.
    """

    table: pd.DataFrame
    loo: pd.DataFrame
    pit: Mapping[tuple[str, str], FloatArray]
    unit: str


def options_of(fit: Fit, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a fit was told, as arguments again, with those that are given in their place.

    Parameters
    ----------
    fit : Fit
        Its options are text, as in a call.
    given : mapping
        Name -> value.

    Raises
    ------
    EvidenceError
        If an option is no plain value and is not given.
    """
    call = ast.parse(f"f({fit.options})", mode="eval").body
    told: dict[str, Any] = {}
    for option in call.keywords if isinstance(call, ast.Call) else []:
        name = str(option.arg)
        if name in given:
            continue
        try:
            told[name] = ast.literal_eval(option.value)
        except ValueError:
            raise EvidenceError(f"the fit was told {name}={ast.unparse(option.value)}; pass {name}= again") from None
    return {**told, **given}


def findings(fit: Fit, evidence: Any, *, seed: int = 0, draws: int = DRAWS, **options: Any) -> Findings:
    """Check a fit against evidence.

    Parameters
    ----------
    fit : Fit
        From `mmresearch.models.fit.fit`.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        That was fitted.
    seed : int
        Of what is randomised or replicated.
    draws : int
        About how many draws are used.
    **options
        In place of what the fit was told: ``priors``, ``segments``, which its text cannot give back.
    """
    rng = np.random.default_rng([seed, 1])
    told = options_of(fit, options)
    lines: list[dict[str, Any]] = []
    scores, values, unit = [], {}, ""
    for one in rows(fit.parameter, fit.posterior, evidence, draws=draws, seed=seed, **told):
        if not one.size:
            continue
        unit, left = one.unit, left_out(one)
        scores.append(_score(one.asset, left))
        for part in one.parts:
            u = pit(part, left.log_weight, rng)
            if u.size >= LEAST:
                values[one.asset, part.name] = u
                lines.append({"asset": one.asset, "check": f"{part.name}: PIT", **_uniform(u)})
        lines += [{"asset": one.asset, **line} for line in _quantities(one, rng, seed)]
    return Findings(_judged(lines), pd.DataFrame(scores), values, unit)


def _score(asset: str, left: LeftOut) -> dict[str, Any]:
    n = left.elpd.size
    se = float(np.sqrt(n) * left.elpd.std(ddof=1)) if n > 1 else np.nan
    return {
        "asset": asset, "rows": n, "elpd": float(left.elpd.sum()), "se": se, "penalty": left.penalty,
        "worst_khat": float(left.khat.max()), "share_bad": float(np.mean(left.khat > KHAT)),
    }  # fmt: skip


def _uniform(u: FloatArray) -> dict[str, Any]:
    """Distance of Kolmogorov of PIT values from the uniform law, and where they lie."""
    found = stats.kstest(u, "uniform")
    width, shift = float(u.std() * np.sqrt(12)), float(u.mean() - 0.5)
    if abs(shift) > abs(width - 1) / 2:
        why = "values lie above the predictive law" if shift > 0 else "values lie below the predictive law"
    else:
        why = "the predictive law is too narrow" if width > 1 else "the predictive law is too wide"
    high = float(stats.kstwo.ppf(0.95, u.size))
    return {"value": float(found.statistic), "low": 0.0, "high": high, "p": float(found.pvalue), "says": why}


def _quantities(one: AssetRows, rng: np.random.Generator, seed: int) -> Iterator[dict[str, Any]]:
    for part in one.parts:
        for key, found in checked(part, rng, seed).items():
            check = CHECKS[key]
            yield {"check": f"{part.name}: {key}", **_line(found, check.high, check.low)}
    for quantity in one.quantities:
        found = paired(quantity)
        yield {"check": quantity.name, **_line(found, "more than in replicates", "less than in replicates")}


def _line(found: Found, high: str, low: str) -> dict[str, Any]:
    says = high if found.value > 0.5 * (found.low + found.high) else low
    return {"value": found.value, "low": found.low, "high": found.high, "p": found.p, "says": says}


def _judged(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Add which rows are surprising (Holm 1979), and why, in one sentence."""
    table = pd.DataFrame(lines, columns=["asset", "check", "value", "low", "high", "p", "says"])
    order = np.argsort(table["p"].to_numpy(), kind="stable")
    bound = FALSE_ALARM / np.maximum(len(table) - np.arange(len(table)), 1)
    passed = np.cumsum(table["p"].to_numpy()[order] > bound) > 0
    surprising = np.empty(len(table), dtype=bool)
    surprising[order] = ~passed
    table["surprising"] = surprising
    table["why"] = [_sentence(row) for row in table.to_dict("records")]
    return table[list(COLUMNS)]


def _sentence(row: Mapping[Any, Any]) -> str:
    """Say what a check found."""
    what = f"{row['value']:.3g} against {row['low']:.3g} to {row['high']:.3g}, p = {row['p']:.2g}"
    if not row["surprising"]:
        return f"As in a right model: {what}."
    return f"{row['says'][0].upper()}{row['says'][1:]}: {what}."
