"""The command: verbs in the order of the flow, each loaded when it is called.

``mmresearch --help`` imports nothing but click. Whatever goes wrong is said in one line and exits with 2;
``--traceback`` shows where. ``audit --fail-on`` exits with 1.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from mmresearch.models import processes

_FAULT = 2
#: Verbs that spread their work over processes -> the module that each of these needs.
_PRELOAD = {"audit": "mmresearch.audit.run", "fit": "mmresearch.models.batch"}
#: Package that may be missing -> the extra that brings it; the others come with mcmc.
_EXTRAS = {"dask": "cluster", "distributed": "cluster"}
#: Verb -> (module, one line of help). The help is here so that the list needs no import.
_VERBS = {
    "audit": ("mmresearch.commands.audit", "Audit learners on tapes and write the report."),
    "catalogue": ("mmresearch.commands.catalogue", "List the parameters: what each is, and what teaches it."),
    "fit": ("mmresearch.commands.fit", "Fit the hierarchical models to tapes; keep draws, hand priors back."),
    "learn": ("mmresearch.commands.learn", "Teach every parameter one tape, rightly and as deployed."),
    "report": ("mmresearch.commands.report", "Write the report of an earlier audit again."),
    "tape": ("mmresearch.commands.tape", "Import and inspect tapes."),
}


class FaultError(click.ClickException):
    """Something the user can mend, told in one line."""

    exit_code = _FAULT

    def show(self, file: Any = None) -> None:
        """Print the line on standard error."""
        click.echo(f"mmresearch: {self.format_message()}", err=True)


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs."""
        return list(_VERBS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a verb; processes for a long one get ready while it is imported."""
        if args[0] in _PRELOAD and not set(args) & set(ctx.help_option_names):
            processes.prepare(_PRELOAD[args[0]])
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb, or None if there is no such verb."""
        if cmd_name not in _VERBS:
            return None
        module, _ = _VERBS[cmd_name]
        return importlib.import_module(module).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; say in one line what went wrong."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except ModuleNotFoundError as error:
            if ctx.params.get("traceback"):
                raise
            extra = _EXTRAS.get(error.name or "", "mcmc")
            raise FaultError(f"{error}; install what is missing with: pip install 'mmresearch[{extra}]'") from error
        except Exception as error:  # a learner of somebody else's may raise anything: one line, and the way to more
            if ctx.params.get("traceback"):
                raise
            raise FaultError(_line(error)) from error


def _line(error: Exception) -> str:
    first, *others = str(error).strip().splitlines() or ["no further word"]
    text = " ".join(first.split()) + (f" (and {len(others)} more)" if others else "")
    if isinstance(error, (ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (mmresearch --traceback ... shows where)"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mmresearch")
@click.option("--traceback", is_flag=True, default=bool(os.environ.get("MMRESEARCH_TRACEBACK")), hidden=True)
def main(traceback: bool) -> None:
    """Give every learned number of a market maker a certificate.

    Does the learner's belief agree with a full hierarchical MCMC fit, and what does the difference cost in bps?
    """


if __name__ == "__main__":
    main()
