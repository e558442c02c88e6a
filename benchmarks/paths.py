"""Path-steps per second of the scheme of Avellaneda and Stoikov (2008): ours beside NumPy, numba and idiomatic JAX.

All of them draw fills of both sides independently, quote by the inventory strategy, and return PnL, inventory and fills
of every path; they take turns, and the medians of the turns are printed, so that what else the machine does hits all
alike. `--out DIR` also measures cost over paths, steps and scenarios, and draws it.

    python -m benchmarks.paths [--out DIR]
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", f"--xla_force_host_platform_device_count={os.cpu_count()}")

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from numba import njit, prange, set_num_threads

from mmresearch.quote.glft.model import Model
from mmresearch.sim.paths.policies import affine_policy
from mmresearch.sim.paths.schemes import Steps
from mmresearch.sim.paths.simulate import LEAF, compare_policies, simulate_paths, stream

MARKET = Model(sigma=2.0, A=140.0, k=1.5, gamma=0.1, T=1.0, Q=80)
POLICY = affine_policy(MARKET, "as2008")
PATHS, STEPS, TURNS = 64 * LEAF, 200, 7
DT = 1.0 / STEPS
BASE, SLOPE = float(POLICY.bid[0]), float(POLICY.bid[1])
SKEW = float(POLICY.skew[1])


def ours(generator: str) -> Callable[[int], object]:
    """Return our simulator with one of its generators, statistics included."""
    return lambda seed: simulate_paths(
        MARKET, POLICY, Steps(STEPS), PATHS, seed, generator=generator, progress=False, block=16
    )


def by_numpy(seed: int) -> tuple[np.ndarray, ...]:
    """Run in NumPy: float32, SFC64, buffers reused, blocks that fit in cache."""
    rng, size = np.random.Generator(np.random.SFC64(seed)), 16_384
    out = tuple(np.empty(PATHS, np.float32) for _ in range(3))
    u, a, b = (np.empty(size, np.float32) for _ in range(3))
    shake = np.float32(2.0 * np.sqrt(DT))
    for start in range(0, PATHS, size):
        q, pnl, n = (np.zeros(size, np.float32) for _ in range(3))
        for i in range(STEPS):
            left = np.float32(1.0 - i * DT)
            half, skew = np.float32(BASE + SLOPE * left), np.float32(SKEW * left)
            np.multiply(q, skew, out=a)
            np.subtract(half, a, out=b)
            np.add(a, half, out=a)
            gain = np.zeros(size, np.float32)
            step = np.zeros(size, np.float32)
            for depth, way in ((a, 1.0), (b, -1.0)):
                rng.random(dtype=np.float32, out=u)
                hit = u < np.exp(depth * np.float32(-1.5)) * np.float32(140.0 * DT)
                gain += depth * hit
                step += np.float32(way) * hit
                n += hit
            q += step
            rng.random(dtype=np.float32, out=u)
            pnl += gain + q * np.where(u < 0.5, shake, -shake)
        for whole, part in zip(out, (pnl, q, n), strict=True):
            whole[start : start + size] = part
    return out


@njit(parallel=True, fastmath=True)
def by_numba(seed, pnl, q_end, fills):
    """Run in numba: one path after the other on all cores, xorshift128+ inline, float32."""
    for path in prange(pnl.size):
        s0 = np.uint64(seed * 2654435761 + path * 6364136223846793005 + 1442695040888963407)
        s1 = s0 ^ np.uint64(0x9E3779B97F4A7C15)
        q, worth, n = np.float32(0), np.float32(0), np.float32(0)
        shake = np.float32(2.0 * np.sqrt(DT))
        for i in range(STEPS):
            x, y = s0, s1
            s0 = y
            x ^= x << np.uint64(23)
            s1 = x ^ y ^ (x >> np.uint64(17)) ^ (y >> np.uint64(26))
            word = s1 + y
            left = np.float32(1.0) - np.float32(i) * np.float32(DT)
            half, skew = np.float32(BASE) + np.float32(SLOPE) * left, np.float32(SKEW) * left * q
            bid, ask = half + skew, half - skew
            pb = np.float32(140.0 * DT) * np.exp(np.float32(-1.5) * bid)
            pa = np.float32(140.0 * DT) * np.exp(np.float32(-1.5) * ask)
            u = np.float32(word >> np.uint64(40)) * np.float32(2.0**-24)
            v = np.float32((word >> np.uint64(16)) & np.uint64(0xFFFFFF)) * np.float32(2.0**-24)
            if u < pb:
                worth += bid
                q += np.float32(1)
                n += np.float32(1)
            if v < pa:
                worth += ask
                q -= np.float32(1)
                n += np.float32(1)
            worth += q * (shake if word & np.uint64(1) else -shake)
        pnl[path], q_end[path], fills[path] = worth, q, n


def run_numba(seed: int) -> tuple[np.ndarray, ...]:
    """Run `by_numba` into new arrays."""
    out = tuple(np.empty(PATHS, np.float32) for _ in range(3))
    by_numba(seed, *out)
    return out


@jax.jit
def by_jax(key: jax.Array) -> tuple[jax.Array, ...]:
    """Run in JAX as one would write it: a scan over steps of whole arrays, `jax.random` split for each."""

    def step(state, i):
        q, pnl, n, key = state
        key, buys, sells, moves = jax.random.split(key, 4)
        left = 1.0 - i * DT
        half, skew = BASE + SLOPE * left, SKEW * left * q
        bid, ask = half + skew, half - skew
        buy = jax.random.uniform(buys, q.shape) < 140.0 * DT * jnp.exp(-1.5 * bid)
        sell = jax.random.uniform(sells, q.shape) < 140.0 * DT * jnp.exp(-1.5 * ask)
        q = q + buy - sell.astype(q.dtype)
        up = jax.random.rademacher(moves, q.shape, dtype=q.dtype)
        pnl = pnl + jnp.where(buy, bid, 0.0) + jnp.where(sell, ask, 0.0) + q * up * 2.0 * DT**0.5
        return (q, pnl, n + buy + sell, key), None

    start = (*(jnp.zeros(PATHS, jnp.float32) for _ in range(3)), key)
    (q, pnl, n, _), _ = jax.lax.scan(step, start, jnp.arange(STEPS, dtype=jnp.float32))
    return pnl, q, n


def jax_devices(seed: int) -> list[np.ndarray]:
    """Run `by_jax` on the first device."""
    return [np.asarray(x) for x in by_jax(jax.random.key(seed))]


RUNS: dict[str, Callable[[int], object]] = {
    "mmresearch, threefry13": ours("threefry13"),
    "mmresearch, threefry20": ours("threefry20"),
    "mmresearch, jax.random": ours("stock"),
    "NumPy, SFC64": by_numpy,
    "numba prange, xorshift128+": run_numba,
    "idiomatic JAX": jax_devices,
}


def race() -> dict[str, float]:
    """Return the median path-steps per second of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in RUNS}
    for run in RUNS.values():
        run(0)
    for turn in range(TURNS):
        for name, run in RUNS.items():
            started = time.perf_counter()
            run(turn + 1)
            times[name].append(time.perf_counter() - started)
    return {name: PATHS * STEPS / float(np.median(t)) for name, t in times.items()}


def check() -> None:
    """Refuse to time what is not the same scheme: means of PnL agree with the exact one within its error."""
    for name, values in {"NumPy": by_numpy(1), "numba": run_numba(1), "JAX": jax_devices(1)}.items():
        mean, error = float(np.mean(values[0])), float(np.std(values[0]) / np.sqrt(PATHS))
        if abs(mean - 64.892543) > 5 * error:
            raise AssertionError(f"{name} makes {mean:.3f}, not 64.893")


def grow(out: Path) -> None:
    """Measure and draw cost over paths, steps and scenarios run together."""
    base = {"paths": 16 * LEAF, "steps": 100, "scenarios": 1}
    found = {}
    for name, values in {
        "paths": [LEAF * n for n in (4, 16, 64, 256)],
        "steps": [25, 100, 400, 1600],
        "scenarios": [1, 2, 4, 8],
    }.items():
        found[name] = [(v, _seconds(**(base | {name: v}))) for v in values]
        for value, seconds in found[name]:
            print(f"{name:<12}{value:>12,}{seconds:>10.3f} s")
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.0), sharey=True, layout="constrained")
    for ax, (name, points) in zip(axes, found.items(), strict=True):
        x, y = np.array(points).T
        ax.loglog(x, y, "o-", color="#1f5a8a", lw=1.4, ms=4)
        ax.loglog(x, y[-1] * x / x[-1], "--", color="#999999", lw=0.8)
        ax.set_xlabel(name)
        ax.set_xticks(x, [f"{int(v):,}" for v in x], fontsize=8)
        ax.xaxis.set_minor_locator(NullLocator())
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds")
    axes[-1].plot([], [], "--", color="#999999", lw=0.8, label="in proportion")
    axes[-1].legend(frameon=False, fontsize=8)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "paths-cost.png", dpi=150)
    print(f"picture  {out / 'paths-cost.png'}")


def _seconds(paths: int, steps: int, scenarios: int) -> float:
    def once(seed: int) -> float:
        started = time.perf_counter()
        for _ in stream([(MARKET, POLICY)] * scenarios, Steps(steps), paths, seed, block=16, progress=False):
            pass
        return time.perf_counter() - started

    once(0)
    return min(once(s) for s in (1, 2, 3))


def paired() -> None:
    """Time until the difference of two policies is known to a thousandth of a price unit."""
    market = Model(sigma=2.0, A=140.0, k=1.5, gamma=0.1, T=1.0, Q=80)
    other = affine_policy(Model(**{**vars(market), "k": 1.6}), "as2008")
    policies = {"k = 1.5": POLICY, "k = 1.6": other}
    compare_policies(market, policies, Steps(STEPS), 16 * LEAF, 1, block=16, progress=False)
    found = compare_policies(market, policies, Steps(STEPS), 10**8, 2, until_se=1e-3, block=16, progress=False)
    row = found.differences.iloc[0]
    print(f"paired difference {row['difference']:.4f}, se {row['se']:.1e}: {int(row['paths']):,} paths, "
          f"{found.seconds:.1f} s")  # fmt: skip


def main() -> None:
    """Print the race, and with --out the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    set_num_threads(os.cpu_count() or 1)
    check()
    speeds = race()
    best = speeds["mmresearch, threefry13"]
    print(f"load {os.getloadavg()[0]:.1f}, {jax.device_count()} devices of {jax.default_backend()}")
    print(f"{'':<30}{'path-steps/s':>14}{'ours is':>10}")
    for name, speed in speeds.items():
        print(f"{name:<30}{speed:>14.3g}{best / speed:>9.1f}x")
    paired()
    if out is not None:
        grow(out)


if __name__ == "__main__":
    main()
