"""``--tape PATH ...``: an option that takes every word up to the next one.

Click's options take a fixed number of words, so each further word gets an option of its own before Click reads them.
The name of a parameter stays what it is: ``fit --tape a b kappa`` fits kappa to two tapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mmresearch.belief.catalogue import CATALOGUE

OPTION = "--tape"


class TapeCommand(click.Command):
    """A command whose ``--tape`` takes one word or several."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        return super().parse_args(ctx, list(one_each(args)))


def one_each(words: Sequence[str]) -> Iterator[str]:
    """Yield the words, with an option for every tape.

    Parameters
    ----------
    words : sequence of str
        As typed: ``--tape a b --quick``.

    Yields
    ------
    str
        ``--tape a --tape b --quick``.
    """
    before, taking = "", False
    for word in words:
        if word.startswith("-"):
            taking = word == OPTION or word.startswith(f"{OPTION}=")
        elif taking and before != OPTION and word not in CATALOGUE:
            yield OPTION
        yield word
        before = word
