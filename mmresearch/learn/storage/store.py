"""Learned parameters on disk: saved whole, loaded or accounted for, never silently replaced by defaults.

    save -> name (newest), name.1 (the one before)
    load -> name, else name.1, else an error;   load_or_default -> name, else name.1, else the catalogue's priors

What cannot be read is renamed to ``name.corrupt-N`` and reported: as a `LearnedFileWarning`, in the log, and in the
`LoadReport` that comes with every load. A file of a newer major version is refused and left. Writers take turns (see
`mmresearch.learn.storage.atomic`): the last one wins, with a whole file; readers wait for nobody. Files of the deployed
system are recognised and read (see `mmresearch.learn.storage.deployed_json`). All times are unix times in seconds.
"""

from __future__ import annotations

import logging
import re
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mmresearch.learn.storage.atomic import locked, previous_of, replace_whole, set_aside
from mmresearch.learn.storage.deployed_json import SUFFIX, parse_deployed
from mmresearch.learn.storage.learned import LearnedParameters, defaults
from mmresearch.learn.storage.saved import Origin, UnreadableError, is_own, parse, render

logger = logging.getLogger(__name__)

#: Names of assets that stay inside their folder, whatever the file system thinks of the rest.
_ASSET = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._:+-]*")

#: What goes with every file of the deployed system.
DEPLOYED_NOTE = "written by the deployed system, which keeps no times: the age of everything in it is unknown"


class LearnedFileWarning(UserWarning):
    """A file of learned parameters could not be read, and something older stands in."""


class DamagedFileError(ValueError):
    """There are files of learned parameters, and none of them can be read."""


class WrongAssetError(ValueError):
    """A file holds what was learned about another asset."""


@dataclass(frozen=True)
class Damage:
    """A file that could not be read.

    Attributes
    ----------
    path : Path
        Where it was.
    moved_to : Path or None
        Where it is now; None if it could not be renamed.
    reason : str
        What is wrong with it.
    """

    path: Path
    moved_to: Path | None
    reason: str

    def __str__(self) -> str:
        fate = "it could not be set aside" if self.moved_to is None else f"set aside as {self.moved_to.name}"
        return f"{self.path} cannot be read: {self.reason}; {fate}"


@dataclass(frozen=True)
class LoadReport:
    """Where loaded parameters came from, and what was the matter.

    Attributes
    ----------
    path : Path
        The file that was asked for.
    source : {"current", "previous", "defaults"}
        The newest generation, the one before, or the catalogue's priors.
    format : {"mmresearch", "deployed", "none"}
        Of the file that was read.
    origin : Origin or None
        What a file of ours says of itself.
    damaged : tuple of Damage
        Files that could not be read.
    notes : tuple of str
        What else a reader should know: values reset after loading, entries passed over.
    """

    path: Path
    source: Literal["current", "previous", "defaults"]
    format: Literal["mmresearch", "deployed", "none"]
    origin: Origin | None = None
    damaged: tuple[Damage, ...] = ()
    notes: tuple[str, ...] = ()


Loaded = tuple[LearnedParameters, LoadReport]


def default_path(asset: str, folder: str | Path = "calibration") -> Path:
    """Return where the parameters of an asset are kept, the deployed system's place.

    Parameters
    ----------
    asset : str
        Letters, digits and ``@ . _ : + -``, not opening with a dot.
    folder : path
        Which must not be left.

    Raises
    ------
    ValueError
        If the name could lead out of the folder.
    """
    if not _ASSET.fullmatch(asset):
        raise ValueError(
            f"{asset!r} cannot be the name of a file: use letters, digits and @._:+- (BTC-USDC for BTC/USDC), "
            "or give a path of your own"
        )
    return Path(folder) / f"{asset.lower()}{SUFFIX}"


def save(learned: LearnedParameters, path: str | Path, now_s: float | None = None) -> Path:
    """Save what was learned; when this returns it is on the disk, and until then the old file is.

    Parameters
    ----------
    learned : LearnedParameters
        What to keep.
    path : path
        Where; what is there becomes the previous generation.
    now_s : float, optional
        Unix time of saving; the clock's if not given.

    Raises
    ------
    WrongAssetError, NewerVersionError
        If the file there is another asset's, or a newer program's; it is left as it is.
    OSError
        If the disk refuses, or another writer holds the file for ten seconds; the old file is still there.
    """
    target, data = Path(path), render(learned, time.time() if now_s is None else now_s)
    with locked(target):
        _, damaged = _examine(target, learned.asset)
        replace_whole(target, data)
    for damage in damaged:
        _warn(f"{damage}; the new parameters are saved in its place")
    return target


def load(path: str | Path, asset: str | None = None) -> Loaded:
    """Load what was learned: the newest generation that can be read.

    Parameters
    ----------
    path : path
        Where.
    asset : str, optional
        Whose it must be. The deployed format does not say; it is taken to be this one's, or the file name's.

    Returns
    -------
    LearnedParameters, LoadReport
        Values, and where they came from.

    Raises
    ------
    FileNotFoundError
        If nothing was ever saved there.
    DamagedFileError
        If there were files, and none can be read; they are set aside.
    NewerVersionError, WrongAssetError
        If the file is a newer program's, or another asset's; it is left as it is.
    """
    target = Path(path)
    loaded, damaged = _find(target, asset)
    if loaded is not None:
        return loaded
    if damaged:
        raise DamagedFileError("; ".join(map(str, damaged)) + "; load_or_default would go on from the priors")
    raise FileNotFoundError(f"{target} does not exist: nothing was saved there; load_or_default gives the priors")


def load_or_default(
    asset: str, path: str | Path | None = None, folder: str | Path = "calibration", preset: str = "default"
) -> Loaded:
    """Load what was learned about an asset, or its priors where there is nothing to read; the report says which.

    Parameters
    ----------
    asset : str
        Which.
    path : path, optional
        Where; `default_path` in `folder` if not given.
    folder : path
        Where files are kept by custom.
    preset : str
        Priors to start from: "default", "liquid" or "thin".

    Raises
    ------
    NewerVersionError, WrongAssetError
        If the file is a newer program's, or another asset's; it is left as it is.
    OSError
        If there is a file that may not be read: it is there, so defaults would be wrong.
    """
    target = default_path(asset, folder) if path is None else Path(path)
    loaded, damaged = _find(target, asset)
    if loaded is not None:
        return loaded
    if damaged:
        _warn("; ".join(map(str, damaged)) + f"; {asset} starts from its priors, everything learned is lost")
    else:
        logger.info("nothing saved at %s; %s starts from its priors", target, asset)
    return defaults(asset, preset), LoadReport(target, "defaults", "none", damaged=damaged)


def _find(target: Path, asset: str | None) -> tuple[Loaded | None, tuple[Damage, ...]]:
    """Read the newest generation that can be read; set aside those that cannot."""
    damaged: tuple[Damage, ...] = ()
    for place in (target, previous_of(target)):
        loaded, damage = _look(place, target, asset)
        damaged += damage
        if loaded is None:
            continue
        values, report = loaded
        report = replace(report, path=target, damaged=damaged)
        if place != target:
            report = replace(report, source="previous")
            reason = "; ".join(map(str, damaged)) or f"{target} is missing"
            _warn(f"{reason}; the generation before is used, {place.name}", depth=4)
        for note in report.notes:
            logger.warning("%s: %s", place, note)
        return (values, report), damaged
    return None, damaged


def _look(place: Path, target: Path, asset: str | None) -> tuple[Loaded | None, tuple[Damage, ...]]:
    """Read a generation of `target`; if it cannot be read, look again as the only writer and set it aside."""
    try:
        return _read(place, asset), ()
    except FileNotFoundError:
        return None, ()
    except UnreadableError as error:
        reason = str(error)
    try:
        with locked(target):
            return _examine(place, asset)
    except OSError:
        # A folder that we may only read, say: the report tells that the file is still there.
        return None, (Damage(place, None, reason),)


def _examine(place: Path, asset: str | None) -> tuple[Loaded | None, tuple[Damage, ...]]:
    """Read a file, or set it aside if it cannot be read; the caller holds the lock."""
    try:
        return _read(place, asset), ()
    except FileNotFoundError:
        return None, ()
    except UnreadableError as error:
        return None, (Damage(place, set_aside(place), str(error)),)


def _read(place: Path, asset: str | None) -> Loaded:
    data = place.read_bytes()
    if not is_own(data):
        values, notes = parse_deployed(data, asset or place.name.removesuffix(".1").removesuffix(SUFFIX))
        return values, LoadReport(place, "current", "deployed", notes=(DEPLOYED_NOTE, *notes))
    values, origin = parse(data)
    if asset not in (None, values.asset):
        raise WrongAssetError(
            f"{place} holds what was learned about {values.asset}, not {asset}; give each asset a path of its own"
        )
    return values, LoadReport(place, "current", "mmresearch", origin)


def _warn(message: str, depth: int = 3) -> None:
    """Say it to the log, and to whoever called the function that is `depth` - 1 calls up."""
    logger.warning(message)
    warnings.warn(message, LearnedFileWarning, stacklevel=depth)
