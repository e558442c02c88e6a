"""An audit as tables: one row per certificate, per check, per fitted asset, per tape.

Plain DataFrames with the same column names on screen, in CSV and in Parquet. Intervals are 90 % equal-tailed; every
number of a parameter is in the unit of its row.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from mmresearch.audit.result import Audit, Certificate, Finding
from mmresearch.report.files import write_file

_CERTIFICATE = tuple(f.name for f in fields(Certificate) if f.name != "findings")
_FINDING = tuple(f.name for f in fields(Finding))
_FIT = (
    "parameter", "source", "backend", "sampler", "parameterisation", "asset", "mean", "sd", "unpooled", "min_ess",
    "max_rhat", "divergences", "min_bfmi", "admitted", "seconds",
)  # fmt: skip
_TAPE = ("asset", "provenance", "source", "sha256", "seconds", "quotes", "trades", "orders", "fills", "account")
#: Text and whole numbers keep their type even where a table is empty or a column unknown throughout.
_FLOATS = frozenset(f.name for f in fields(Certificate) if "float" in str(f.type) and f.name != "n_events") | frozenset(
    {"value", "bound", "power"}
)


def certificates(audit: Audit) -> pd.DataFrame:
    """One row per learner and asset, with every number of the certificate."""
    rows = [[getattr(c, name) for name in _CERTIFICATE] for c in audit.certificates]
    return _typed(pd.DataFrame(rows, columns=list(_CERTIFICATE)))


def checks(audit: Audit) -> pd.DataFrame:
    """One row per learner, asset and check."""
    rows = [
        [c.parameter, c.learner, c.tape, *(getattr(f, name) for name in _FINDING)]
        for c in audit.certificates
        for f in c.findings
    ]
    return _typed(pd.DataFrame(rows, columns=["parameter", "learner", "tape", *_FINDING]))


def fits(audit: Audit) -> pd.DataFrame:
    """One row per reference fit and asset; the diagnostics of the fit repeat on each of its rows."""
    rows = []
    for fit in audit.fits:
        whole = {name: getattr(fit, name) for name in _FIT if hasattr(fit, name)}
        raw = fit.unpooled or (float("nan"),) * len(fit.assets)
        for asset, mean, sd, alone in zip(fit.assets, fit.means, fit.sds, raw, strict=True):
            rows.append({**whole, "asset": asset, "mean": mean, "sd": sd, "unpooled": alone})
    return pd.DataFrame(rows, columns=list(_FIT))


def tapes(audit: Audit) -> pd.DataFrame:
    """One row per tape; what was repaired is one text, a line each."""
    rows = [[getattr(t, name) for name in _TAPE] for t in audit.tapes]
    table = pd.DataFrame(rows, columns=list(_TAPE))
    return table.assign(account=["\n".join(t.account) for t in audit.tapes])


TABLES = MappingProxyType({"certificates": certificates, "checks": checks, "fits": fits, "tapes": tapes})


def all_tables(audit: Audit) -> Mapping[str, pd.DataFrame]:
    """Every table by name."""
    return {name: make(audit) for name, make in TABLES.items()}


def write_tables(audit: Audit, folder: str | Path) -> list[Path]:
    """Write every table as CSV and as Parquet.

    Parameters
    ----------
    audit : Audit
        What was found.
    folder : path
        Where; made if missing.

    Returns
    -------
    list of Path
        The files, in the order of `TABLES`.
    """
    written = []
    for name, table in all_tables(audit).items():
        written.append(write_file(Path(folder) / f"{name}.csv", table.to_csv(index=False)))
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        written.append(write_file(Path(folder) / f"{name}.parquet", buffer.getvalue()))
    return written


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: "float64" for name in table.columns if name in _FLOATS})
