"""Options of the reference models by name: what there is, and words of a command line as values.

Those that are plain: switches, numbers, choices, tuples of whole numbers. Hyperpriors are objects, for Python only, and
the form of the effects is a field of its own in a request.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from mmresearch.models import numpyro as numpyro_models
from mmresearch.models import pymc as pymc_models
from mmresearch.models.fit import Backend, FitError

_WORDS = {"true": True, "false": False, "none": None}


def options_of(model: str, backend: Backend = "pymc") -> dict[str, inspect.Parameter]:
    """Return the plain options of a model: name -> default and type.

    Parameters
    ----------
    model : str
        Name of the model.
    backend : {"pymc", "numpyro"}
        Which implementation; both have the same.
    """
    function = getattr(pymc_models if backend == "pymc" else numpyro_models, model)
    found = inspect.signature(function, eval_str=True).parameters
    return {k: p for k, p in found.items() if k != "parameterisation" and _plain(p)}


def parsed(model: str, words: Iterable[str]) -> dict[str, Any]:
    """Read options of a model from words NAME=VALUE.

    Parameters
    ----------
    model : str
        Name of the model.
    words : iterable of str
        Values as in Python, strings without quotes: ``pooling=false``, ``scale_bps=2.5``, ``noise=student_t``.

    Raises
    ------
    FitError
        If a word is no NAME=VALUE, a name is given twice or unknown, or a value is not what the option takes.
    """
    known, found = options_of(model), dict[str, Any]()
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise FitError(f"an option is given as NAME=VALUE, got {word!r}")
        if name not in known:
            raise FitError(f"{model} has no option {name!r}; there are {', '.join(known)}")
        if name in found:
            raise FitError(f"option {name} is given twice")
        found[name] = _value(model, known[name], text)
    return found


def parsed_for(models: Iterable[str], words: Iterable[str]) -> Mapping[str, Any]:
    """Read options that each of some models has; see `parsed`."""
    given = list(words)
    return {name: value for model in models for name, value in parsed(model, given).items()}


def _kinds(option: inspect.Parameter) -> tuple[Any, ...]:
    """Types that an option takes."""
    annotation = option.annotation
    return get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)


def _plain(option: inspect.Parameter) -> bool:
    return all(k in (bool, int, float, types.NoneType) or get_origin(k) in (Literal, tuple) for k in _kinds(option))


def _value(model: str, option: inspect.Parameter, text: str) -> Any:
    value: Any = _WORDS.get(text.lower(), text)
    if value is text:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
    for kind in _kinds(option):
        if _is(value, kind):
            return float(value) if kind is float else value
    takes = " or ".join(map(_named, _kinds(option)))
    raise FitError(f"option {option.name} of {model} is {takes}, got {text!r}")


def _is(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(type(v) is int for v in value)
    return type(value) in ((int, float) if kind is float else (kind,))


def _named(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "whole numbers with commas between"
    return {bool: "true or false", int: "a whole number", float: "a number", types.NoneType: "none"}[kind]
