"""What is done and what is left, on standard error, where a person is watching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

#: What was done last, done, total.
Report = Callable[[str, int, int], None]
_NAME_COLUMNS = 48


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Show a bar as long as the block lasts; yield what moves it, without effect where nobody watches."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=None)

        def report(what: str, done: int, total: int) -> None:
            bars.update(task, description=what[:_NAME_COLUMNS], completed=done, total=total)

        yield report
