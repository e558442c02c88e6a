"""Everything that an audit leaves in a folder, each file whole or not at all.

report.html  audit.json  audit.schema.json  junit.xml  tables/*.csv|parquet  figures/*.svg  draws/*.zarr
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmresearch.audit.references import Reference
from mmresearch.audit.result import Audit
from mmresearch.report import figures
from mmresearch.report.files import write_file, write_folder
from mmresearch.report.grouping import by_parameter
from mmresearch.report.html import write_html
from mmresearch.report.junit import write_junit
from mmresearch.report.schema import write_json
from mmresearch.report.style import to_png, to_svg
from mmresearch.report.tables import write_tables

DRAWINGS = (figures.forest, figures.scores, figures.shrinkage)


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


def write_report(audit: Audit, folder: str | Path, references: Sequence[Reference] = ()) -> Written:
    """Write the report, its data and the draws behind it; the page last, so that it never announces what is missing.

    Parameters
    ----------
    audit : Audit
        What was found.
    folder : path
        Where; made if missing.
    references : sequence of Reference
        The fits whose draws are kept, as zarr folders for ``arviz.from_zarr``.

    Returns
    -------
    Written
    """
    place = Path(folder)
    write_tables(audit, place / "tables")
    write_figures(audit, place / "figures")
    for reference in references:
        write_draws(reference, place / "draws")
    write_json(audit, place)
    write_junit(audit, place)
    return Written(place, write_html(audit, place))


def write_figures(audit: Audit, folder: str | Path, png: bool = False) -> list[Path]:
    """Write the figures of every parameter as SVG, and as PNG if asked; equal audits give equal bytes."""
    written = []
    for group in by_parameter(audit):
        for draw in DRAWINGS:
            drawn = draw(group)
            if drawn is None:
                continue
            stem = f"{group.parameter}-{draw.__name__}"
            written.append(write_file(Path(folder) / f"{stem}.svg", to_svg(drawn, stem)))
            if png:
                written.append(write_file(Path(folder) / f"{stem}.png", to_png(drawn)))
    return written


def write_draws(reference: Reference, folder: str | Path) -> list[Path]:
    """Write the draws of a reference, one zarr folder per backend; return the folders."""
    source = reference.source.replace(" ", "-")
    return [
        write_folder(Path(folder) / f"{reference.parameter}-{source}-{backend}.zarr", fitted.posterior.to_zarr)
        for backend, fitted in reference.fits.items()
    ]
