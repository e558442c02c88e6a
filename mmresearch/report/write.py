"""Everything that an audit leaves in a folder, each file whole or not at all.

report.html  audit.json  audit.schema.json  junit.xml  tables/*.csv|parquet  figures/*.svg

The draws of the reference fits are kept beside them by `mmresearch.models.store`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmresearch.audit.result import Audit
from mmresearch.report.drawings import KINDS, Drawing, draw
from mmresearch.report.files import write_file
from mmresearch.report.html import write_html
from mmresearch.report.junit import write_junit
from mmresearch.report.schema import write_json
from mmresearch.report.tables import write_tables


@dataclass(frozen=True)
class Written:
    """Where a report lies.

    Attributes
    ----------
    folder, html : Path
        The folder, and the page to open first.
    """

    folder: Path
    html: Path


def write_report(audit: Audit, folder: str | Path) -> Written:
    """Write the report and its data; the page last, so that it never announces what is missing.

    Parameters
    ----------
    audit : Audit
        What was found.
    folder : path
        Where; made if missing.

    Returns
    -------
    Written
    """
    place = Path(folder)
    drawn = draw(audit)
    write_tables(audit, place / "tables")
    write_figures(drawn, place / "figures")
    write_json(audit, place)
    write_junit(audit, place)
    return Written(place, write_html(audit, place, drawn))


def write_figures(drawn: Iterable[Drawing], folder: str | Path) -> list[Path]:
    """Write figures as SVG, and as PNG where they have one; return the files."""
    written = []
    for drawing in drawn:
        written.append(write_file(Path(folder) / f"{drawing.name}.svg", drawing.svg))
        if drawing.png:
            written.append(write_file(Path(folder) / f"{drawing.name}.png", drawing.png))
    return written


def write_manifest(audit: Audit, written: Sequence[Path], folder: str | Path) -> Path:
    """Write ``manifest.json``: the function of every figure, and the seed, versions and data behind all of them."""
    functions = {kind: f"{f.__module__}.{f.__name__}" for kind, f in KINDS.items()}
    facts = {
        "made_by": "mmresearch report audit.json --figures-only",
        "figures": {path.name: functions[path.stem.rpartition("-")[2]] for path in written},
        "data_sha256": {t.asset: t.sha256 for t in audit.tapes},
        "seed": audit.settings.get("seed"),
        "versions": dict(audit.versions),
    }
    return write_file(Path(folder) / "manifest.json", json.dumps(facts, indent=1) + "\n")
