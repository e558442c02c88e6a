"""``mmresearch report``: write the report of an earlier audit again, from its JSON."""

from __future__ import annotations

from pathlib import Path

import click

from mmresearch.report.drawings import draw
from mmresearch.report.schema import read_json
from mmresearch.report.terminal import console_of, show
from mmresearch.report.write import write_figures, write_manifest, write_report


@click.command("report", context_settings={"show_default": True})
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to write; [default: beside it]")
@click.option("--figures-only", is_flag=True, help="Write only the figures, as SVG and PNG.")
@click.option("--by-tape/--no-by-tape", default=None, help="Print the numbers of every tape.")
def command(document: Path, out: Path | None, figures_only: bool, by_tape: bool | None) -> None:
    """Write the report of an earlier audit again from its audit.json, DOCUMENT. The draws stay where they are."""
    audit = read_json(document)
    place = out or document.parent
    console = console_of()
    if figures_only:
        drawn = write_figures(draw(audit, png=True), place)
        for path in (*drawn, write_manifest(audit, drawn, place)):
            console.print(str(path), soft_wrap=True)
        return
    written = write_report(audit, place)
    show(audit, console, by_tape)
    console.print(f"report  {written.html}", soft_wrap=True)
