"""What a fit depends on, as one hash: who has the key of a fit need not make it again.

    key = SHA-256(evidence, model, parameterisation, options, backend, draws, tune, chains, seed, versions)

The model counts as its code: the modules of this room that it is made of, with the sampler's and the gate's, comments,
docstrings and layout left out. A changed default prior is changed code, so it changes the key. What a model takes from
other rooms reaches it through the evidence, whose every number is hashed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmresearch.models import numpyro as numpyro_models
from mmresearch.models import pymc as pymc_models
from mmresearch.models.fit import Backend, FitError

#: Packages whose versions may change draws.
PACKAGES = (
    "arviz", "jax", "jaxlib", "mmresearch", "numba", "numpy", "numpyro", "nutpie", "pymc", "pytensor", "scipy",
)  # fmt: skip
_ROOM = "mmresearch.models"
#: Modules that run every model; what they import is not followed, for they import them all.
_ENGINE = (f"{_ROOM}.fit", f"{_ROOM}.gate", f"{_ROOM}.samplers", f"{_ROOM}.starts")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make draws."""
    return {"python": platform.python_version(), **{p: importlib.metadata.version(p) for p in PACKAGES}}


@cache
def model_hash(model: str, backend: Backend) -> str:
    """Hash of the code of a model in a backend (SHA-256, hex)."""
    function = getattr(pymc_models if backend == "pymc" else numpyro_models, model)
    digest = hashlib.sha256()
    for name in sorted({*_modules_behind(function.__module__), *_ENGINE}):
        digest.update(f"{name}\n{code_of(_source(name))}\n".encode())
    return digest.hexdigest()


def code_of(source: str) -> str:
    """Return source without comments, docstrings and layout: what Python makes of it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _modules_behind(name: str) -> set[str]:
    """Names of a module and of those of this room that it imports, and so on."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(_source(name))
    return found


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == _ROOM:
            yield from (f"{_ROOM}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_ROOM}."):
            yield str(node.module)


def _source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FitError(f"the code of {name} is nowhere to be read, so its fits cannot be told from others")
    return Path(spec.origin).read_text(encoding="utf-8")


def told(options: Mapping[str, Any]) -> str:
    """Write the options of a model as in a call, in order of name.

    Raises
    ------
    FitError
        If an option has no text of its own, only a place in memory: no key could hold it.
    """
    for name, value in options.items():
        if " at 0x" in repr(value):
            raise FitError(f"option {name} is {value!r}, which reads differently every time; give plain values")
    return ", ".join(f"{name}={value!r}" for name, value in sorted(options.items()))


def key_of(facts: Mapping[str, Any]) -> str:
    """Hash of the facts that a fit depends on (SHA-256, hex)."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
