"""The command line: verbs in the order of the flow.

Only click is imported here; each verb imports what it needs when it is called.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

import mmresearch

_VERBS = {
    "tape": ("mmresearch.commands.tape", "tape", "Import and inspect tapes."),
    "catalogue": ("mmresearch.commands.catalogue", "catalogue", "The 25 parameters: unit, kind, prior, estimand."),
    "audit": ("mmresearch.commands.audit", "audit", "Audit learners on tapes and write the report."),
}


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order of the flow."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in _VERBS:
            return None
        module, attribute, _ = _VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _VERBS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mmresearch.__version__, prog_name="mmresearch")
def group() -> None:
    """Certificates for the learned numbers of a market maker.

    Each number gets its prior, what it learned, whether a full hierarchical MCMC fit agrees, and what the disagreement
    costs in basis points.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a ValueError is bad input and is told in one line, with exit code 2."""
    try:
        return group.main(args=arguments, prog_name="mmresearch", standalone_mode=True)
    except ValueError as error:
        click.echo(f"mmresearch: {error}", err=True)
        raise SystemExit(2) from error
