"""The array library that a formula runs on: that of its arguments, so that JAX traces it and is not imported."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A number, an array of NumPy, or an array of JAX, traced or not.
type Array = Any


def namespace(*values: Array) -> Any:
    """Return the array library of the first value that is not NumPy's or a number; NumPy if there is none."""
    for value in values:
        if not is_concrete(value) and hasattr(value, "__array_namespace__"):
            return value.__array_namespace__()
    return np


def is_concrete(value: Array) -> bool:
    """Whether a value is a number or a NumPy array, the values of which may be looked at."""
    return isinstance(value, int | float | np.ndarray | np.generic)
