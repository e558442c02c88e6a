"""Hyperpriors that are a little wrong: no test of a density may overlook it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any


def slightly_off(priors: Any) -> Iterator[tuple[str, Any]]:
    """Hyperpriors with each number of theirs moved by one per cent (of one, where it is 0), and which it is."""
    for field in dataclasses.fields(priors):
        value = getattr(priors, field.name)
        if isinstance(value, float):
            yield field.name, dataclasses.replace(priors, **{field.name: 1.01 * value or 0.01})
        else:
            for name, inner in slightly_off(value):
                yield f"{field.name}.{name}", dataclasses.replace(priors, **{field.name: inner})
