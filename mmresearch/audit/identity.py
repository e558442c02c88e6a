"""What an audit is of: hashes of tapes, what the report says of them, and the seed that derives from all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

import mmresearch
from mmresearch.audit.result import TapeSummary
from mmresearch.learn.contract import Learner, name_of
from mmresearch.tape.schema import Tape


def seed_of(learners: Sequence[Learner], tapes: Sequence[Tape]) -> int:
    """Derive a seed from learners, tapes and version, so that nobody can shop for one."""
    text = repr([mmresearch.__version__, [name_of(x) for x in learners], [hash_of(t) for t in tapes]])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def worlds_seed_of() -> int:
    """Derive the seed of the worlds from the version: the same for all learners, whoever's tapes are audited."""
    return seed_of((), ())


def hash_of(tape: Tape) -> str:
    """Hash of a tape's tables and facts (SHA-256, hex)."""
    digest = hashlib.sha256(repr((tape.asset, tape.t0, tape.t1, tape.meta)).encode())
    for table in (tape.quotes, tape.trades, tape.orders, tape.fills, tape.signals, tape.sessions):
        if table is None:
            continue
        digest.update(repr(list(table.columns)).encode())
        for column in table.columns:
            digest.update(np.ascontiguousarray(table[column].to_numpy()).tobytes())
    return digest.hexdigest()


def summarise_tape(tape: Tape, source: str = "memory", account: tuple[str, ...] = ()) -> TapeSummary:
    """Say what a tape is, for the report."""
    return TapeSummary(
        asset=tape.asset,
        provenance=tape.meta.provenance,
        source=source,
        sha256=hash_of(tape),
        seconds=tape.seconds,
        quotes=len(tape.quotes),
        trades=len(tape.trades),
        orders=len(tape.orders),
        fills=len(tape.fills),
        account=account,
    )
