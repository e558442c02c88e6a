"""What an audit says: findings, certificates, and the audit that holds them all.

Plain frozen values. The report, the command and the notebooks read these and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Status = Literal["pass", "fail", "undecided", "not applicable", "error"]
Axis = Literal["algebra", "calibration", "money", "reference"]

#: Headlines in order of precedence: the first that applies is the verdict.
VERDICTS = (
    "not identified",
    "broken accounting",
    "wrong target",
    "biased",
    "overconfident",
    "undecided",
    "usable",
    "certified",
)


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes
    ----------
    check : str
        Name of the check.
    axis : {"algebra", "calibration", "money", "reference"}
        What the check speaks about.
    status : {"pass", "fail", "undecided", "not applicable", "error"}
        An error in a check is an error, never a pass.
    value, bound : float or None
        The deciding number and the bound that it was held against, in the unit that `why` names.
    power : float or None
        Share of the deliberately damaged beliefs that this check caught.
    why, mend : str
        One sentence of reason, one of advice.
    """

    check: str
    axis: Axis
    status: Status
    value: float | None = None
    bound: float | None = None
    power: float | None = None
    why: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Certificate:
    """One learner, one asset: what it learned, whether the full model agrees, what the difference costs.

    Attributes
    ----------
    learner, parameter, unit : str
        Who learned what, in which catalogue unit; prior, posterior and reference are in that unit.
    tape : str or None
        Asset; ``None`` if the certificate speaks of worlds only.
    provenance : str
        Provenance of the tape; a market-proxy tape never certifies.
    verdict, reason : str
        One of `VERDICTS`, and the sentence that decided it.
    algebra, calibration, money : str
        One line for each axis.
    regret_bps : float or None
        Edge lost per unit traded at the best quote, in bps, against the reference.
    findings : tuple of Finding
        Every check that was applied.
    prior_mean, prior_sd, mean, sd, lo, hi : float
        Prior and posterior, with the 90 % equal-tailed interval.
    reference_mean, reference_sd, reference_lo, reference_hi : float or None
        The hierarchical fit, with its 90 % equal-tailed interval.
    sd_ratio, bias_sd : float or None
        Claimed sd over reference sd; difference of means in reference sd.
    n_events : int
        Distinct events on the tape that carry information about the parameter.
    truth : float or None
        The truth, where the tape is synthetic and says it.
    """

    learner: str
    parameter: str
    unit: str
    tape: str | None
    provenance: str
    verdict: str
    reason: str
    algebra: str
    calibration: str
    money: str
    regret_bps: float | None
    findings: tuple[Finding, ...]
    prior_mean: float
    prior_sd: float
    mean: float
    sd: float
    lo: float
    hi: float
    reference_mean: float | None = None
    reference_sd: float | None = None
    reference_lo: float | None = None
    reference_hi: float | None = None
    sd_ratio: float | None = None
    bias_sd: float | None = None
    n_events: int = 0
    truth: float | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Checks as a DataFrame: check, status, value, bound, power, why."""
        rows = [(f.check, f.status, f.value, f.bound, f.power, f.why) for f in self.findings]
        return pd.DataFrame(rows, columns=["check", "status", "value", "bound", "power", "why"])


@dataclass(frozen=True)
class FitSummary:
    """One hierarchical fit: its diagnostics and, per asset, its posterior mean and sd.

    Attributes
    ----------
    parameter, backend, sampler, parameterisation : str
        What was fitted, and how.
    assets : tuple of str
        Assets in the order of `means` and `sds`.
    means, sds : tuple of float
        Posterior mean and sd per asset, in the catalogue unit.
    min_ess, max_rhat, divergences, min_bfmi : float
        The diagnostics of the admission gate, worst over variables and chains.
    admitted : bool
        Whether the gate lets the fit serve as a reference.
    seconds : float
        Wall time of the fit, compilation included.
    unpooled : tuple of float
        Per asset, the estimate from its own data alone (empty if there is none).
    source : str
        Which events were fitted: own fills, at touch, rotating or trades.
    """

    parameter: str
    backend: str
    sampler: str
    parameterisation: str
    assets: tuple[str, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    min_ess: float
    max_rhat: float
    divergences: float
    min_bfmi: float
    admitted: bool
    seconds: float
    unpooled: tuple[float, ...] = ()
    source: str = "own fills"


@dataclass(frozen=True)
class TapeSummary:
    """One tape as it entered the audit.

    Attributes
    ----------
    asset, provenance, source, sha256 : str
        Name, where its fills come from, the file, and a hash of its tables.
    seconds : float
        Length.
    quotes, trades, orders, fills : int
        Rows.
    account : tuple of str
        What was repaired or dropped on reading, one line each.
    """

    asset: str
    provenance: str
    source: str
    sha256: str
    seconds: float
    quotes: int
    trades: int
    orders: int
    fills: int
    account: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """Everything one audit found.

    Attributes
    ----------
    certificates : tuple of Certificate
        One per learner and asset.
    fits : tuple of FitSummary
        The reference fits.
    tapes : tuple of TapeSummary
        What was audited.
    settings : mapping
        Seed, thresholds, backends: everything needed to run it again.
    versions : mapping
        Package name to version.
    seconds : float
        Wall time.
    notes : tuple of str
        Sentences that the reader must know, such as which tapes have no own fills.
    """

    certificates: tuple[Certificate, ...]
    fits: tuple[FitSummary, ...]
    tapes: tuple[TapeSummary, ...]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per learner and asset."""
        rows = [
            {
                "parameter": c.parameter,
                "learner": c.learner,
                "asset": c.tape,
                "verdict": c.verdict,
                "mean": c.mean,
                "lo": c.lo,
                "hi": c.hi,
                "reference": c.reference_mean,
                "sd_ratio": c.sd_ratio,
                "bias_sd": c.bias_sd,
                "regret_bps": c.regret_bps,
                "why": c.reason,
            }
            for c in self.certificates
        ]
        return pd.DataFrame(rows)
