"""What worlds said of the bundled learners, kept from one audit to the next.

Whether a learner's algebra and calibration hold does not depend on anybody's tapes. The answers are kept by what they
depend on,

    key = SHA-256(code of the package, versions, learner, checks, seed, quick),

so a changed line of code asks anew. Any other learner is always asked, one of ours that holds something of somebody
else's too: what that code does is not known here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import pickle
import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import mmresearch
from mmresearch.audit.result import Finding
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner
from mmresearch.learn.storage.atomic import write_whole

#: Packages whose versions may change an answer.
PACKAGES = ("jax", "mmresearch", "numba", "numpy", "pandas", "scipy")


@dataclasses.dataclass(frozen=True)
class KeptFindings:
    """Findings of earlier audits, a small file each.

    Attributes
    ----------
    folder : Path
        Where they lie; made when the first is kept.
    """

    folder: Path

    def recall(self, checks: Sequence[str], learner: Learner, seed: int, quick: bool) -> tuple[Finding, ...] | None:
        """Return what the checks said of a learner; None if nobody knows, or if the file is damaged.

        Parameters
        ----------
        checks : sequence of str
            Names of checks, a share of the battery.
        learner : Learner
            Of whom.
        seed : int
            Seed of the worlds.
        quick : bool
            Whether the worlds were few.
        """
        if not is_bundled(learner):
            return None
        try:
            rows = json.loads(self._place(checks, learner, seed, quick).read_bytes())
            found = tuple(Finding(**row) for row in rows)
        except (OSError, ValueError, TypeError):
            return None
        return found if tuple(f.check for f in found) == tuple(checks) else None

    def keep(
        self, checks: Sequence[str], learner: Learner, seed: int, quick: bool, found: Sequence[Finding]
    ) -> Path | None:
        """Keep what the checks said; nothing where a check broke, or the learner is not a bundled one.

        Parameters
        ----------
        checks, learner, seed, quick
            See `recall`.
        found : sequence of Finding
            One per check.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        """
        if not is_bundled(learner) or any(f.status == "error" for f in found):
            return None
        rows = json.dumps([dataclasses.asdict(f) for f in found], indent=1)
        return write_whole(self._place(checks, learner, seed, quick), rows.encode())

    def _place(self, checks: Sequence[str], learner: Learner, seed: int, quick: bool) -> Path:
        facts = (_code(), type(learner).__qualname__, tuple(checks), seed, quick)
        digest = hashlib.sha256(repr(facts).encode() + pickle.dumps(learner, protocol=5))
        return self.folder / f"{digest.hexdigest()[:32]}.json"


def kept_findings() -> KeptFindings | None:
    """Return those in ``$XDG_CACHE_HOME/mmresearch/worlds``; None if MMRESEARCH_NO_CACHE is set."""
    if os.environ.get("MMRESEARCH_NO_CACHE"):
        return None
    return KeptFindings(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmresearch" / "worlds")


def is_bundled(learner: Learner) -> bool:
    """Whether a learner is a bundled one as it is bundled, to the last digit of its prior."""
    return type(learner) in map(type, _defaults()) and pickle.dumps(learner, protocol=5) in _pickled()


@cache
def _defaults() -> tuple[Learner, ...]:
    return tuple(make() for make in BUNDLED.values())


@cache
def _pickled() -> frozenset[bytes]:
    return frozenset(pickle.dumps(learner, protocol=5) for learner in _defaults())


@cache
def _code() -> str:
    """Hash of every source file of the package, and of the versions of what it computes with."""
    root = Path(mmresearch.__file__).parent
    digest = hashlib.sha256(repr([platform.python_version(), *map(importlib.metadata.version, PACKAGES)]).encode())
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
