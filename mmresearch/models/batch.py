"""Many fits, each kept on disk under the key of what it depends on, so that none is made twice.

    requests -> those that a folder already holds + those to be made -> all of them, in the order of the requests

A fit is written as soon as it is made, whole or not at all, so an interrupted batch leaves complete fits, and the next
one goes on with the rest. A folder that stands where a fit belongs and is not that fit (damaged, foreign, another key)
is renamed and reported, never used. One batch at a time may write to a folder.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmresearch.learn.storage.atomic import locked, set_aside
from mmresearch.models.centring import Parameterisation
from mmresearch.models.data import EvidenceError
from mmresearch.models.engines import Call, Engine, in_turn
from mmresearch.models.fit import QUICK_DRAWS, QUICK_TUNE, Backend, Fit, fit
from mmresearch.models.inputs import fittable, model_of
from mmresearch.models.keys import key_of, model_hash, told, versions
from mmresearch.models.samplers import CHAINS
from mmresearch.models.store import StoreError, evidence_hash, load_fit, save_fit

#: Name of what was done, done, total.
Progress = Callable[[str, int, int], None]
#: Digits of a key in the name of a folder.
_DIGITS = 16
#: Seconds to wait for another batch that writes to the same folder.
_WAIT_S = 1.0
#: PyMC's and JAX's settings belong to a process, so only one of its threads may fit.
_ONE_AT_A_TIME = threading.Lock()


class OtherCodeError(RuntimeError):
    """A worker whose code or packages are not those of who asked it."""


@dataclass(frozen=True)
class Request:
    """One fit that is wanted.

    Attributes
    ----------
    parameters : tuple of str
        What it is wanted for; all come from one model.
    backend : {"pymc", "numpyro"}
        Which implementation.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects.
    draws, tune, chains : int
        Kept and discarded draws per chain, and chains.
    seed : int
        Seed of the sampler.
    options : mapping
        What the model is told beyond its defaults.
    """

    parameters: tuple[str, ...]
    backend: Backend
    parameterisation: Parameterisation = "auto"
    draws: int = 1000
    tune: int = 1000
    chains: int = CHAINS
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Name of the model."""
        return model_of(self.parameters[0])

    @property
    def name(self) -> str:
        """Name for people: model and backend."""
        return f"{self.model} in {self.backend}"

    def key(self, evidence: Any) -> str:
        """Hash of everything that the draws depend on; see `mmresearch.models.keys`."""
        facts = {
            "evidence": evidence_hash(evidence),
            "model": self.model,
            "code": model_hash(self.model, self.backend),
            "backend": self.backend,
            "parameterisation": self.parameterisation,
            "options": told(self.options),
            "draws": self.draws,
            "tune": self.tune,
            "chains": self.chains,
            "seed": self.seed,
            "versions": versions(),
        }
        return key_of(facts)


@dataclass(frozen=True)
class Made:
    """What became of a request.

    Attributes
    ----------
    request : Request
        What was wanted.
    path : Path
        Where the draws are.
    fit : Fit or None
        The draws; None if the evidence says nothing about the model.
    reused : bool
        Whether they lay there already.
    why_not : str
        Why there is no fit, empty if there is one.
    """

    request: Request
    path: Path
    fit: Fit | None
    reused: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class Batch:
    """What became of all requests, in their order, and what was found in the way of their folders."""

    made: tuple[Made, ...]
    set_aside: tuple[str, ...]


def requests_for(
    parameters: Iterable[str], backends: Sequence[Backend], *, quick: bool = False, **settings: Any
) -> list[Request]:
    """Return the fits that parameters need: one for each model and backend.

    Parameters
    ----------
    parameters : iterable of str
        Which; all that have a model if there are none.
    backends : sequence of {"pymc", "numpyro"}
        Which implementations.
    quick : bool
        Shorter chains, as in `mmresearch.models.fit.fit`.
    **settings
        Fields of `Request`.

    Raises
    ------
    FitError
        If a parameter has no model.
    """
    wanted = set(parameters) or set(fittable())
    for name in sorted(wanted):
        model_of(name)
    models: dict[str, list[str]] = {}
    for name in (p for p in fittable() if p in wanted):
        models.setdefault(model_of(name), []).append(name)
    if quick:
        settings = {**settings, "draws": QUICK_DRAWS, "tune": QUICK_TUNE}
    return [Request(tuple(names), backend, **settings) for names in models.values() for backend in backends]


def make_fits(
    requests: Sequence[Request],
    evidence: Mapping[str, Any],
    folder: str | Path,
    engine: Engine = in_turn,
    progress: Progress | None = None,
) -> Batch:
    """Make the fits that a folder does not hold yet, and return all of them.

    Parameters
    ----------
    requests : sequence of Request
        What is wanted.
    evidence : mapping
        Model -> what it reads.
    folder : path
        Where fits are kept, one folder each.
    engine : callable
        Who makes them; see `mmresearch.models.engines`. The draws do not depend on it.
    progress : callable, optional
        Called with (name, done, total) after each fit.

    Raises
    ------
    LockTimeoutError
        If another batch writes to the folder.
    OtherCodeError
        If a worker's code or packages differ from those here.
    """
    place = Path(folder)
    with locked(place / "fits", _WAIT_S):
        _sweep(place)
        keys = [request.key(evidence[request.model]) for request in requests]
        paths = [place / f"{r.model}.{r.backend}.{key[:_DIGITS]}.zarr" for r, key in zip(requests, keys, strict=True)]
        aside: list[str] = []
        found: dict[int, Made] = {}
        for i, (request, key, path) in enumerate(zip(requests, keys, paths, strict=True)):
            if (kept := _kept(path, key, aside)) is not None:
                found[i] = Made(request, path, kept, reused=True)
                _tell(progress, f"{request.name} was there", len(found), len(requests))
        missing = [i for i in range(len(requests)) if i not in found]
        calls = [Call(requests[i].name, attempt, (requests[i], evidence[requests[i].model], keys[i])) for i in missing]
        for done, answer in engine(calls):
            i = missing[done]
            found[i] = _keep(requests[i], paths[i], answer, evidence[requests[i].model], keys[i])
            _tell(progress, requests[i].name, len(found), len(requests))
    return Batch(tuple(found[i] for i in range(len(requests))), tuple(aside))


def attempt(request: Request, evidence: Any, key: str) -> Fit | str:
    """Make one fit, or say why the evidence has nothing for it; a function of its arguments, for any process.

    Parameters
    ----------
    request : Request
        What is wanted.
    evidence : Evidence or SeriesEvidence
        To what.
    key : str
        What the caller takes for the key; another one here means other code.
    """
    if request.key(evidence) != key:
        raise OtherCodeError(f"{request.name}: the worker runs other code or packages than we do; install the same")
    with _ONE_AT_A_TIME:
        try:
            return fit(
                request.parameters[0], evidence, request.backend, parameterisation=request.parameterisation,
                draws=request.draws, tune=request.tune, chains=request.chains, seed=request.seed, progress=False,
                **request.options,
            )  # fmt: skip
        except EvidenceError as error:
            return str(error)


def _keep(request: Request, path: Path, answer: Fit | str, evidence: Any, key: str) -> Made:
    if isinstance(answer, str):
        return Made(request, path, None, why_not=answer)
    more = {
        "key": key,
        "model": request.model,
        "model_sha256": model_hash(request.model, request.backend),
        "asked": f"{request.draws} draws after {request.tune} of tuning, {request.chains} chains",
        "packages": json.dumps(versions()),
    }
    save_fit(answer, path, evidence, more)
    return Made(request, path, answer)


def _kept(path: Path, key: str, aside: list[str]) -> Fit | None:
    """Return the fit that lies at its place; what lies there and is not it goes aside."""
    if not path.exists():
        return None
    try:
        fitted, found = read_fit(path)
        if found == key:
            return fitted
        why = f"it was made from other things: its key is {found[:_DIGITS] or 'not given'}"
    except StoreError as error:
        why = str(error).removeprefix(f"{path} ")
    aside.append(f"{path.name} is now {set_aside(path).name}: {why}")
    return None


def read_fit(path: str | Path) -> tuple[Fit, str]:
    """Read a fit from disk, and its key (empty if it was not made by a batch).

    Parameters
    ----------
    path : path
        The folder.

    Raises
    ------
    StoreError
        If it holds no draws of ours, or not those that were written.
    """
    tree, gate, origin = load_fit(path)
    tree.attrs = {}
    try:
        fitted = Fit(
            origin["parameter"], origin["backend"], origin["sampler"], origin["parameterisation"], tree, gate,
            float(origin["seconds"]), int(origin["seed"]), origin["versions"], int(origin["tries"]), origin["options"],
        )  # fmt: skip
    except KeyError as error:
        raise StoreError(f"{path} does not say its {error}; it was not written by save_fit") from error
    return fitted, str(origin.get("key", ""))


def _sweep(folder: Path) -> None:
    """Remove what an interrupted batch left half written; the lock says that nobody is writing it."""
    for half in folder.glob(".*.zarr.*"):
        shutil.rmtree(half, ignore_errors=True)


def _tell(progress: Progress | None, name: str, done: int, total: int) -> None:
    if progress is not None:
        progress(name, done, total)
