"""Run scenarios over many paths, in leaves of 4096 that are spread over all devices and merged in order.

The words of a path depend on the seed, the path and the step only, leaves have one size, and their sums are merged in
order: results are the same bits for any block and any number of devices. Scenarios that are run together meet the same
words (common random numbers), so that their differences are known far better than either. In steps they meet the same
moves of the mid as well; from event to event each has events, and moves between them, of its own: a mean difference and
its error are right there too, but little is gained, and the spread of the difference is not that of two makers side by
side.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.sharding import Mesh, PartitionSpec
from rich.progress import Progress

from mmresearch.quote.glft.model import Model
from mmresearch.sim.paths.market import Scenario, market_of
from mmresearch.sim.paths.policies import PathPolicy
from mmresearch.sim.paths.schemes import Scheme
from mmresearch.sim.paths.statistics import PathStatistics, Sums, sums_of
from mmresearch.sim.paths.threefry import GENERATORS, Array

#: Paths of a leaf, and leaves that are in work together unless told otherwise.
LEAF, BLOCK = 4096, 64
_LONG = 10**9


@dataclass(frozen=True)
class Comparison:
    """Policies under common random numbers.

    Attributes
    ----------
    statistics : mapping of str to PathStatistics
        Of each policy.
    differences : DataFrame
        One row per policy but the first: mean of its PnL less the first's, path by path, with its standard error.
    seconds : float
        What it took.
    """

    statistics: Mapping[str, PathStatistics]
    differences: pd.DataFrame
    seconds: float


def simulate_paths(
    market: Model, policy: PathPolicy, scheme: Scheme, paths: int, seed: int, **how: Any
) -> PathStatistics:
    """Run one policy in one market.

    Parameters
    ----------
    market : Model
        The truth, numbers; its gamma prices the certainty equivalent.
    policy : PathPolicy
        How to quote.
    scheme : Steps or Events
        How time passes.
    paths : int
        How many.
    seed : int
        Everything random derives from it; 0 to 2^32 - 1.
    **how
        `generator`, `dtype`, `block`, `progress`; see `stream`.
    """
    return _last(stream([(market, policy)], scheme, paths, seed, **how)).statistics(0, float(market.gamma))


def compare_policies(
    market: Model,
    policies: Mapping[str, PathPolicy],
    scheme: Scheme,
    paths: int,
    seed: int,
    until_se: float | None = None,
    **how: Any,
) -> Comparison:
    """Run policies in one market under common random numbers.

    Parameters
    ----------
    market, scheme, seed, **how
        As in `simulate_paths`.
    policies : mapping of str to PathPolicy
        The first is what the others are compared with.
    paths : int
        How many, or at most how many.
    until_se : float, optional
        Stop when every difference is known to this standard error (price x size).
    """
    started = time.perf_counter()
    sums = None
    for sums in stream([(market, p) for p in policies.values()], scheme, paths, seed, **how):
        if until_se is not None and all(sums.difference(i, 0)[1] <= until_se for i in range(1, len(policies))):
            break
    assert sums is not None
    rows = [(name, *sums.difference(i, 0), sums.n) for i, name in enumerate(policies) if i]
    return Comparison(
        {name: sums.statistics(i, float(market.gamma)) for i, name in enumerate(policies)},
        pd.DataFrame(rows, columns=["policy", "difference", "se", "paths"]).set_index("policy"),
        time.perf_counter() - started,
    )


def stream(
    scenarios: Sequence[tuple[Model, PathPolicy]],
    scheme: Scheme,
    paths: int,
    seed: int,
    generator: str = "threefry13",
    dtype: Any = np.float32,
    block: int = BLOCK,
    progress: bool | None = None,
) -> Iterator[Sums]:
    """Yield the sums so far, block by block.

    Parameters
    ----------
    scenarios : sequence of (Model, PathPolicy)
        Truths and policies; they share the horizon.
    scheme, paths, seed
        As in `simulate_paths`.
    generator : {"threefry13", "threefry20", "stock"}
        Where the words come from.
    dtype : {numpy.float32, numpy.float64}
        Of the paths; sums are float64.
    block : int
        Leaves in work together: memory, not results.
    progress : bool, optional
        Whether to show a bar; by default where much is to be done.

    Raises
    ------
    ValueError
        If the scenarios have different horizons, or an argument is out of range.
    """
    horizons = {float(model.T) for model, _ in scenarios}
    if len(horizons) != 1 or not 2 <= paths < 2**32 or not 0 <= seed < 2**32 or generator not in GENERATORS:
        raise ValueError(
            f"scenarios must share one horizon, got {sorted(horizons)}; paths must be 2 to 2^32 - 1, got {paths}; "
            f"seed 0 to 2^32 - 1, got {seed}; generator one of {', '.join(GENERATORS)}, got {generator!r}"
        )
    leaves = -(-paths // LEAF)
    gammas = [float(model.gamma) for model, _ in scenarios]
    shown = paths * len(scenarios) * getattr(scheme, "steps", 1000) > _LONG if progress is None else progress
    with jax.enable_x64(dtype == np.float64), Progress(disable=not shown, transient=True) as bar:
        task = bar.add_task("paths", total=leaves)
        worlds = _as_dtype(tuple((policy, market_of(model, dtype)) for model, policy in scenarios), dtype)
        run = _runner(scheme, horizons.pop(), generator, dtype)
        key = jnp.array([seed, 0], jnp.uint32)
        starts = range(0, leaves, block)
        ready = run(worlds, key, _leaves(0, block))
        total: Sums | None = None
        for start in starts:
            # The next block is under way while this one is reduced.
            now, ready = ready, run(worlds, key, _leaves(start + block, block)) if start + block < leaves else None
            for i, values in enumerate(np.asarray(now, dtype=np.float64)[: min(block, leaves - start)]):
                one = sums_of(values[:, : paths - (start + i) * LEAF], gammas)
                total = one if total is None else total + one
            assert total is not None
            bar.update(task, completed=min(start + block, leaves))
            yield total


def _last(sums: Iterator[Sums]) -> Sums:
    *_, last = sums
    return last


def _leaves(start: int, block: int) -> np.ndarray:
    devices = jax.device_count()
    return np.arange(start, start + -(-block // devices) * devices, dtype=np.uint32)


def _as_dtype(tree: Any, dtype: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _block(
    scheme: Scheme, horizon_s: float, generator: str, dtype: Any, worlds: tuple[Scenario, ...], key: Array, leaf: Array
) -> Array:
    words = GENERATORS[generator]

    def one(number: Array) -> Array:
        paths = number * jnp.uint32(LEAF) + jnp.arange(LEAF, dtype=jnp.uint32)
        held = scheme.run(worlds, horizon_s, key, paths, words, dtype)
        return jnp.stack([x for h in held for x in (h.pnl, h.q, h.fills)])

    mesh = Mesh(np.array(jax.devices()), ("device",))
    along, whole = PartitionSpec("device"), PartitionSpec()
    spread = jax.shard_map(
        lambda w, k, n: jax.lax.map(one, n), mesh=mesh, in_specs=(whole, whole, along), out_specs=along, check_vma=False
    )
    return spread(worlds, key, leaf)


def _runner(scheme: Scheme, horizon_s: float, generator: str, dtype: Any) -> Any:
    return partial(_block, scheme, horizon_s, generator, dtype)
