"""How a verdict looks and what it means: a symbol, a colour and a sentence, the same on every surface.

Colour is never alone: every verdict has a symbol of one character, and an ASCII one for terminals that know no other.
Colours keep apart under the common forms of colour blindness (Okabe and Ito, 2008, darkened for text on white).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from mmresearch.audit.result import VERDICTS


@dataclass(frozen=True)
class Look:
    """How one verdict is shown.

    Attributes
    ----------
    symbol, ascii : str
        One character, and one that every terminal has.
    colour, dark : str
        Hex colours on a light and on a dark page.
    style : str
        Style in the terminal.
    meaning : str
        What it says, in a sentence.
    """

    symbol: str
    ascii: str
    colour: str
    dark: str
    style: str
    meaning: str


LOOKS = MappingProxyType(
    {
        "not identified": Look(
            "∅", "0", "#3f3f46", "#d4d4d8", "bold",
            "No data can teach this number: it is a choice, and has no likelihood.",
        ),
        "broken accounting": Look(
            "#", "#", "#8e2f73", "#e9a3d0", "bold magenta",
            "Events are counted twice or lost, units do not cancel, a cost counts as a gain, or the algebra is wrong.",
        ),
        "wrong target": Look(
            "✕", "X", "#b3261e", "#ff9d94", "bold red",
            "It learns something else than its name says, or it measures our own quotes instead of the market.",
        ),
        "biased": Look(
            "≠", "/", "#b35300", "#ffb069", "red",
            "Its mean is more than a quarter of a reference sd off, and that costs more than the tolerance.",
        ),
        "overconfident": Look(
            "!", "!", "#8a6500", "#f2cd5c", "yellow",
            "It claims to know more than the full model does: its sd or its interval is too narrow.",
        ),
        "undecided": Look(
            "?", "?", "#5f6672", "#b4bac4", "dim",
            "No fault was found, but something could not be decided: a check without power, or no admitted reference.",
        ),
        "usable": Look(
            "○", "o", "#1c63a5", "#8cc2f5", "cyan",
            "Imperfect, conservative, or judged on proxy data only; what it costs is below the tolerance.",
        ),
        "certified": Look(
            "✓", "+", "#0b6b4f", "#6fd3ae", "bold green",
            "Every applicable check passes, with power, in the worlds and on this tape.",
        ),
    }
)  # fmt: skip


def slug(verdict: str) -> str:
    """Name of a verdict in class names and identifiers, such as ``broken-accounting``."""
    return verdict.replace(" ", "-")


def worst(verdicts: Iterable[str]) -> str:
    """First of the given verdicts in the order of precedence.

    Raises
    ------
    ValueError
        If there is none.
    """
    return min(verdicts, key=VERDICTS.index)


def at_least_as_bad(verdict: str, limit: str) -> bool:
    """Whether a verdict comes at or before another in the order of precedence."""
    return VERDICTS.index(verdict) <= VERDICTS.index(limit)
