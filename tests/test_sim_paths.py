"""Laws of the simulator of paths: known words, the exact moments of both schemes, the same bits however it is run."""

from __future__ import annotations

import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from glft_numbers import AS2008, PARAMETERS
from jax.extend.random import threefry_2x32
from scipy import stats

from mmresearch.quote.glft.bernoulli_steps import step_moments, symmetric_strategy
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import moments
from mmresearch.quote.glft.policy import policy
from mmresearch.sim.paths import simulate
from mmresearch.sim.paths.policies import AffinePolicy, affine_policy, constant_policy, table_policy
from mmresearch.sim.paths.schemes import Events, Steps
from mmresearch.sim.paths.simulate import LEAF, compare_policies, simulate_paths, stream
from mmresearch.sim.paths.threefry import GENERATORS, by_counter, normal, open_uniform, sign, threefry2x32, uniform

PAPER = Model(**PARAMETERS["GLFT Fig1-3"])
#: Everything that a market can have, in lots of 2.
FULL = Model(
    sigma=0.5, A=0.7, k=0.4, gamma=0.03, T=20.0, Q=3, lot=2.0, mu=0.02, impact=0.15, cost=0.3,
)  # fmt: skip
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
ONES = (0xFFFFFFFF,) * 4


def scheme_of_2008(gamma):
    return Model(sigma=2.0, A=140.0, k=1.5, gamma=gamma, T=1.0, Q=80)


def strategy(market, name):
    if name == "inventory":
        return affine_policy(market, "as2008")
    return constant_policy(float(symmetric_strategy(market, 1)[0][0, 0]))


def assert_agree(found, want, sds=4.0):
    """Mean, sd, certainty equivalent and the rest within some standard errors of exact ones."""
    for name in ("mean", "sd", "certainty_equivalent", "mean_q", "sd_q", "mean_fills"):
        value, exact, error = getattr(found, name), getattr(want, name), getattr(found, f"{name}_se")
        assert abs(value - exact) < sds * error, f"{name}: {value} for {exact}, standard error {error}"


@pytest.mark.parametrize(
    ("rounds", "counter_key", "words"),
    [
        (13, (0, 0, 0, 0), (0x9D1C5EC6, 0x8BD50731)),
        (13, ONES, (0xFD36D048, 0x2D17272C)),
        (13, PI, (0xBA3E4725, 0xF27D669E)),
        (20, (0, 0, 0, 0), (0x6B200159, 0x99BA4EFE)),
        (20, ONES, (0x1CB996FC, 0xBB002BE7)),
        (20, PI, (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_words_are_the_published_ones(rounds, counter_key, words):
    """Known answers that come with the generator of Salmon et al. (2011)."""
    a, b, c, d = (jnp.uint32(x) for x in counter_key)
    assert tuple(int(w) for w in threefry2x32((c, d), (a, b), rounds)) == words


def test_twenty_rounds_are_the_generator_of_the_library():
    key, counter = (jnp.uint32(7), jnp.uint32(2**31 + 5)), jnp.arange(10, dtype=jnp.uint32)
    ours = np.concatenate(threefry2x32(key, (counter[:5], counter[5:]), rounds=20))
    np.testing.assert_array_equal(ours, threefry_2x32(jnp.stack(key), counter))


def assert_as_in_2008(found, gamma, name):
    """All of a row of the table within four standard errors of the exact moments."""
    mean, sd, sd_q, filled, worth, *_ = AS2008[gamma, name]
    assert abs(found.mean - mean) < 4 * found.mean_se
    assert abs(found.sd - sd) < 4 * found.sd_se
    assert abs(found.sd_q - sd_q) < 4 * found.sd_q_se
    assert abs(found.mean_fills - filled) < 4 * found.mean_fills_se
    if worth is not None:
        assert abs(found.certainty_equivalent - worth) < 4 * found.certainty_equivalent_se


@pytest.mark.parametrize(("gamma", "name"), AS2008)
def test_the_scheme_of_2008(gamma, name):
    market = scheme_of_2008(gamma)
    assert_as_in_2008(simulate_paths(market, strategy(market, name), Steps(200), 100_000, 1), gamma, name)


@pytest.mark.long
@pytest.mark.parametrize(("gamma", "name"), AS2008)
def test_the_scheme_of_2008_over_a_million_paths(gamma, name):
    market = scheme_of_2008(gamma)
    assert_as_in_2008(simulate_paths(market, strategy(market, name), Steps(200), 1_000_000, 2), gamma, name)


@pytest.mark.parametrize("method", ["exact", "closed"])
def test_from_event_to_event_there_is_no_error_of_time(method):
    quoted = policy(FULL, method, 40)
    found = simulate_paths(FULL, table_policy(quoted, 20.0, 2.0), Events(), 60_000, 3, dtype=np.float64)
    assert_agree(found, moments(quoted, FULL))


@pytest.mark.long
@pytest.mark.parametrize("method", ["exact", "asymptotic", "closed", "as2008", "symmetric"])
def test_five_policies_of_the_paper_over_a_million_paths(method):
    quoted = policy(PAPER, method, 60)
    found = simulate_paths(PAPER, table_policy(quoted, 600.0), Events(), 1_000_000, 4, block=16)
    assert_agree(found, moments(quoted, PAPER))


def test_steps_of_a_second_bias_the_risk_as_the_exact_scheme_says():
    quoted = policy(PAPER, "closed")
    bid, ask = (np.broadcast_to(side, (600, 61)) for side in (quoted.bid, quoted.ask))
    want, limit = step_moments(bid, ask, PAPER), moments(quoted, PAPER)
    found = simulate_paths(PAPER, table_policy(quoted, 600.0), Steps(600), 12_000, 5)
    assert_agree(found, want)
    assert want.sd == pytest.approx(61.14, abs=0.02)
    assert abs(found.sd - limit.sd) > 20 * found.sd_se
    finer = simulate_paths(PAPER, table_policy(quoted, 600.0), Steps(3000, "exponential", "gaussian"), 4_000, 5)
    assert abs(finer.sd - limit.sd) < 0.15 * abs(found.sd - limit.sd) + 4 * finer.sd_se


def test_drift_impact_cost_and_lots_are_those_of_the_recursion_when_steps_are_short():
    quoted = policy(FULL, "asymptotic")
    found = simulate_paths(
        FULL, table_policy(quoted, 20.0, 2.0), Steps(1000, "exponential", "gaussian"), 8_000, 6, dtype=np.float64
    )
    want = moments(quoted, FULL)
    assert abs(found.mean - want.mean) < 4 * found.mean_se + 0.005 * abs(want.mean)
    assert abs(found.mean_q - want.mean_q) < 4 * found.mean_q_se + 0.01
    assert abs(found.mean_fills - want.mean_fills) < 4 * found.mean_fills_se + 0.01 * want.mean_fills


def test_one_number_for_two_sides_gives_four_outcomes_of_independent_fills():
    market = Model(sigma=0.0, A=100.0, k=1.0, gamma=0.0, T=1.0, Q=5)
    quotes = constant_policy(float(np.log(100.0 / 0.6)))
    table = next(stream([(market, quotes)], Steps(1), 200_000, 7, block=64)).covariance()
    # Independent sides with p = .6 each: Var(q) = Var(fills) = 2 p (1 - p); disjoint ones would have less room.
    assert table[1, 1] == pytest.approx(0.48, rel=0.02)
    assert table[2, 2] == pytest.approx(0.48, rel=0.02)


@pytest.mark.parametrize("generator", GENERATORS)
def test_blocks_do_not_matter(generator):
    market = scheme_of_2008(0.1)
    how = {"scheme": Steps(7), "paths": 3 * LEAF + 100, "seed": 8, "generator": generator}
    one, three = (simulate_paths(market, affine_policy(market), block=b, **how) for b in (1, 3))
    assert one == three
    assert one.paths == 3 * LEAF + 100


def test_devices_do_not_matter():
    code = (
        "from mmresearch.sim.paths.simulate import *; from mmresearch.sim.paths.policies import *;"
        "from mmresearch.sim.paths.schemes import *; from mmresearch.quote.glft.model import Model; import jax;"
        "m = Model(sigma=2.0, A=140.0, k=1.5, gamma=0.1, T=1.0, Q=80);"
        "print(jax.device_count(), simulate_paths(m, affine_policy(m), Steps(9), 20_000, 9, block=3))"
    )
    said = []
    for count in (1, 2):
        flags = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={count}"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        devices, _, result = done.stdout.strip().partition(" ")
        assert devices == str(count)
        said.append(result)
    assert said[0] == said[1]


@pytest.mark.parametrize("generator", ["stock", "threefry20"])
def test_other_words_say_the_same_in_law(generator):
    market = scheme_of_2008(0.1)
    one, other = (
        simulate_paths(market, affine_policy(market, "as2008"), Steps(50), 50_000, seed, generator=name)
        for seed, name in ((10, "threefry13"), (11, generator))
    )
    for name in ("mean", "sd_q", "mean_fills", "certainty_equivalent"):
        error = np.hypot(getattr(one, f"{name}_se"), getattr(other, f"{name}_se"))
        assert 0 < abs(getattr(one, name) - getattr(other, name)) < 4 * error


def test_common_numbers_know_a_difference_better_than_either():
    market = scheme_of_2008(0.1)
    near = affine_policy(Model(**{**vars(market), "k": 1.52}), "as2008")
    policies = {"truth": affine_policy(market, "as2008"), "again": affine_policy(market, "as2008"), "near": near}
    found = compare_policies(market, policies, Steps(200), 20_000, 12)
    assert found.differences.loc["again"].tolist()[:2] == [0.0, 0.0]
    assert 0 < found.differences.loc["near", "se"] < 0.5 * found.statistics["near"].mean_se
    enough = compare_policies(market, policies, Steps(200), 10**6, 12, until_se=0.02, block=2)
    assert enough.differences["paths"].max() < 10**6
    assert enough.differences["se"].max() <= 0.02


def test_risk_neutral_worth_is_the_mean_and_float32_meets_the_same_fills():
    market = scheme_of_2008(0.0)
    found = simulate_paths(market, constant_policy(0.7), Steps(20), 10_000, 13)
    assert found.certainty_equivalent == found.mean
    twice = simulate_paths(market, constant_policy(0.7), Steps(20), 10_000, 13, dtype=np.float64)
    assert found.mean_fills == twice.mean_fills
    assert found.mean == pytest.approx(twice.mean, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paths": 1}, "paths must be"),
        ({"seed": -1}, "seed 0 to"),
        ({"generator": "dice"}, "generator one of"),
        ({"scheme": Events()}, "quotes must stand still"),
    ],
)
def test_what_cannot_be_run_is_refused(change, message):
    market = scheme_of_2008(0.1)
    how = {"scheme": Steps(5), "paths": 100, "seed": 1} | change
    with pytest.raises(ValueError, match=message):
        simulate_paths(market, affine_policy(market), **how)
    with pytest.raises(ValueError, match="not affine"):
        affine_policy(market, "exact")
    with pytest.raises(ValueError, match="is no scheme"):
        Steps(0)


# The thirteen rounds. Each test is asked of four rounds as well, which must fail one of them.


def words_of(rounds, seed):
    """A table of words by path and step, and with keys that differ in one bit."""
    paths, steps = jnp.arange(2**11, dtype=jnp.uint32)[None, :], jnp.arange(2**9, dtype=jnp.uint32)[:, None]
    draw = by_counter(rounds)
    return np.stack([np.stack(draw(jnp.array([s, 0], jnp.uint32), paths, steps)) for s in (seed, seed ^ 1)])


def battery(words):
    """P-values: bits, bytes, neighbours in path, step, word and key, and pairs of high bits."""
    bits = np.unpackbits(words.view(np.uint8).reshape(-1, 4), axis=1).sum(axis=0)
    n = words.size
    z = (bits - n / 2) / np.sqrt(n / 4)
    yield "bits", float(stats.chi2.sf(z @ z, 32))
    counts = np.bincount(words.view(np.uint8).ravel(), minlength=256)
    yield "bytes", float(stats.chisquare(counts).pvalue)
    pairs = {
        "step": (words[:, :, 1:], words[:, :, :-1]), "path": (words[..., 1:], words[..., :-1]),
        "word": (words[:, 0], words[:, 1]), "key": (words[0], words[1]),
        "far path": (words[..., 1024:], words[..., :-1024]), "far step": (words[:, :, 256:], words[:, :, :-256]),
    }  # fmt: skip
    for name, (a, b) in pairs.items():
        differ = np.unpackbits((a ^ b).ravel().view(np.uint8).reshape(-1, 4), axis=1).sum(axis=0)
        z = (differ - a.size / 2) / np.sqrt(a.size / 4)
        yield f"bits that differ, {name}", float(stats.chi2.sf(z @ z, 32))
        joint = np.bincount(((a >> 27) * 32 + (b >> 27)).ravel(), minlength=1024)
        yield f"pairs, {name}", float(stats.chisquare(joint).pvalue)


@pytest.mark.parametrize("seed", [1, 2, 12345])
def test_thirteen_rounds_pass_a_battery(seed):
    found = dict(battery(words_of(13, seed)))
    assert min(found.values()) > 1e-4 / len(found), found


def test_the_battery_can_fail():
    assert min(dict(battery(words_of(4, 1))).values()) < 1e-30


def test_numbers_from_words_have_their_laws():
    first, second = GENERATORS["threefry13"](jnp.array([3, 0], jnp.uint32), jnp.arange(10**6, dtype=jnp.uint32), 0)
    u, z = np.asarray(uniform(first, np.float32)), np.asarray(normal(second, np.float32), dtype=float)
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    assert stats.kstest(z, "norm").pvalue > 1e-4
    assert np.isfinite(z).all()
    assert abs(np.corrcoef(u, np.asarray(sign(first, np.float32)))[0, 1]) < 4e-3
    ends = open_uniform(jnp.array([0, 2**32 - 1], jnp.uint32), np.float32)
    assert 0 < float(ends[0]) < 1e-9 < float(ends[1]) <= 1
    assert np.isfinite(np.asarray(normal(jnp.array([0, 2**32 - 1], jnp.uint32), np.float32))).all()


def test_leaves_are_merged_as_if_they_were_one():
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 2.0, (6, 1000))
    parts = [simulate.sums_of(values[:, a:b], [0.1, 0.2]) for a, b in ((0, 10), (10, 700), (700, 1000))]
    merged = parts[0] + parts[1] + parts[2]
    np.testing.assert_allclose(merged.covariance(), np.cov(values), rtol=1e-12)
    found = merged.statistics(1, 0.2)
    assert found.certainty_equivalent == pytest.approx(-np.log(np.mean(np.exp(-0.2 * values[3]))) / 0.2, rel=1e-12)
    e = np.exp(-0.2 * values[3])
    assert found.certainty_equivalent_se == pytest.approx(e.std() / e.mean() / np.sqrt(1000) / 0.2, rel=1e-9)
    difference, error = merged.difference(1, 0)
    about = values[3] - values[3].mean()
    assert found.sd_se == pytest.approx(np.sqrt(np.mean(about**4) - about.var() ** 2) / (2 * about.std() * 1000**0.5))
    apart = values[3] - values[0]
    assert (difference, error) == (pytest.approx(apart.mean()), pytest.approx(apart.std(ddof=1) / np.sqrt(1000)))


@pytest.mark.parametrize("steps", [1, 5])
def test_fills_come_before_the_mid_moves_and_stop_at_the_limit(steps):
    """A bid that is always filled: one lot at once, which then meets every move, and never a second."""
    market = Model(sigma=2.0, A=1e3, k=1.0, gamma=0.0, T=1.0, Q=1)
    buyer = AffinePolicy((0.0, 0.0), (60.0, 0.0), (0.0, 0.0), 1.0)
    found = simulate_paths(market, buyer, Steps(steps), 20_000, 14)
    assert (found.mean_q, found.sd_q, found.mean_fills) == (1.0, 0.0, 1.0)
    assert found.sd == pytest.approx(2.0, rel=0.03)
