"""Evidence as arrays: what merging may cost, what is left out, and the tapes at the edge.

The exact likelihood of own fills is computed here event by event from the tables of a tape: every stretch of every
order at its own depth. It shares no code with the package.
"""

import bisect
from dataclasses import replace

import jax
import naive_evidence as naive
import numpy as np
import numpyro
import pytest
from numpyro.infer.util import log_density
from scipy.optimize import minimize_scalar

import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.models.data import DepthData, EvidenceError, depth_data, label_data, markout_data, walk_data
from mmresearch.models.fit import MODELLED, OF_FEATURES
from mmresearch.models.series import series_evidence
from mmresearch.sim.truth import Truth
from mmresearch.sim.worlds import World, simulate
from mmresearch.tape.evidence import DepthCounts, Evidence, LabelCounts, MarkoutMoments, WalkCounts, evidence

pytestmark = pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning")


# Exactly, event by event -------------------------------------------------------------------------------------------


def stretches(tape):
    """Lists of (seconds, depth in bps) of every order between one quote and the next."""
    quotes = naive.rows(tape.quotes)
    times, out = [q["ts"] for q in quotes], []
    for order in naive.rows(tape.orders):
        start, end = max(order["placed"], tape.t0), naive.last_moment(tape, order)
        k = bisect.bisect_right(times, start) - 1
        while start < end and k < len(quotes):
            until = min(end, times[k + 1]) if k + 1 < len(quotes) else end
            mid = naive.mid(quotes[k])
            out.append((until - start, order["side"] * (mid - order["price"]) / mid * 1e4))
            start, k = until, k + 1
    return np.array(out).T


def fill_depths(tape):
    return np.array(
        [
            e["side"] * (naive.mid(e["quote"]) - e["price"]) / naive.mid(e["quote"]) * 1e4
            for e in naive.fill_events(tape)
        ]
    )


def exact_log_likelihood(tape, filled):
    """Function of kappa (per bp), the intensity profiled out."""
    (seconds, depth), fills = stretches(tape), np.maximum(filled, 0.0)

    def value(kappa):
        return -kappa * fills.sum() - len(fills) * np.log((seconds * np.exp(-kappa * np.maximum(depth, 0.0))).sum())

    return value


def log_likelihood(data: DepthData, asset: int = 0):
    """The same function from the arrays, as their documentation says to read them."""
    row = data.asset == asset

    def value(kappa):
        reach = (data.exposure_s[row] * np.exp(-kappa * data.depth_bps[row])).sum()
        return -kappa * data.travelled_bps[row].sum() - data.fills[row].sum() * np.log(reach)

    return value


def peak(log_likelihood, near):
    return minimize_scalar(lambda k: -log_likelihood(k), bounds=(near / 3, near * 3), method="bounded",
                           options={"xatol": near * 1e-8}).x  # fmt: skip


@pytest.fixture(scope="module", params=[0, 1], ids=["flat", "steep"])
def played(request):
    kappa = (1200.0, 6000.0)[request.param]
    truth = Truth("ONE", kappa=kappa, A=3.0 * (1 + request.param), alpha_touch=0.3, half_spread_bps=1.0, tick_bps=0.5)
    tape = simulate(truth, 300.0, seed=request.param)
    filled = fill_depths(tape)
    return tape, kappa * 1e-4, len(filled), exact_log_likelihood(tape, filled)


@pytest.mark.parametrize("windows", [True, False])
def test_the_arrays_keep_the_exact_likelihood(played, windows):
    """Over a factor of two either way the log likelihood is right to a part in a thousand of a fill each."""
    tape, kappa, n, exact = played
    data = depth_data(evidence(tape, 100.0), windows)
    assert data.fills.sum() == n > 100
    ours = log_likelihood(data)
    at = kappa * np.geomspace(0.5, 2.0, 9)
    gap = np.array([ours(k) - exact(k) for k in at])
    assert np.ptp(gap) < 1e-3 * n
    assert abs(peak(ours, kappa) / peak(exact, kappa) - 1) < 0.1 / np.sqrt(n)


def test_the_exact_likelihood_finds_the_truth(played):
    _, kappa, n, exact = played
    assert peak(exact, kappa) == pytest.approx(kappa, rel=4 / np.sqrt(n))


# What fewer depths cost --------------------------------------------------------------------------------------------

EDGES = 2.0 ** (-6 + np.arange(16 * 24 + 1) / 24)


def expected_counts(kappa, windows=1, fills=1e9):
    """Evidence of orders at all depths alike, with the expected number of fills in every bin."""
    edges = EDGES[slice(*np.searchsorted(EDGES, [0.5 / kappa, 6 / kappa]))]
    low, high = edges[:-1], edges[1:]
    exposure, depth = (high - low) * fills, (low + high) / 2
    n = fills * (np.exp(-kappa * low) - np.exp(-kappa * high)) / kappa
    return DepthCounts("X", *(np.tile(a, (windows, 1)) for a in (exposure, depth, n)))


def evidence_of(*kappa) -> Evidence:
    nothing = np.zeros(1)
    return Evidence(
        tuple(LabelCounts(k.asset, nothing, nothing) for k in kappa),
        tuple(MarkoutMoments(k.asset, *[nothing] * 3, 1.5, np.zeros(0), np.zeros(0, dtype=np.intp)) for k in kappa),
        tuple(kappa),
    )


@pytest.mark.parametrize("kappa", [0.05, 0.2, 1.0, 3.5])
def test_no_amount_of_fills_moves_kappa_off_the_truth(kappa):
    """Fills within an octave lie nearer than its exposure does."""
    data = depth_data(evidence_of(expected_counts(kappa)))
    assert peak(log_likelihood(data), kappa) == pytest.approx(kappa, rel=3e-4)


@pytest.mark.parametrize("kappa", [0.05, 0.2, 1.0, 3.5])
def test_far_orders_meet_no_fills_however_steep(kappa):
    """Two orders in one octave, up to ten per cent away: the intensity stays below that of the nearer one."""
    for far in (20.0, 200.0, 1000.0):
        depth = np.array([[1.0 / kappa, far, far * 1.1]])
        data = depth_data(evidence_of(DepthCounts("X", np.full((1, 3), 100.0), depth, np.array([[9.0, 0.0, 0.0]]))))
        place = (data.depth_bps + data.reference_bps[0])[data.exposure_s > 1e-6]
        beyond = place > 1.0001 / kappa
        assert beyond.any()
        assert (np.exp(-3 * kappa * place[beyond]) <= np.exp(-3 * kappa * far) * (1 + 1e-9)).all()


@pytest.mark.parametrize("kappa", [0.05, 0.2, 1.0, 3.5])
def test_nodes_change_the_intensity_by_less_than_a_part_in_a_hundred_thousand(kappa):
    counts = expected_counts(kappa)
    data = depth_data(evidence_of(counts))
    assert data.exposure_s.shape[1] < counts.exposure_s.shape[1] / 4
    depth = data.depth_bps[0] + data.reference_bps[0]
    for k in kappa * np.array([0.1, 0.5, 1.0, 2.0, 10.0]):
        fine = (counts.exposure_s[0] * np.exp(-k * counts.depth_bps[0])).sum()
        few = (data.exposure_s[0] * np.exp(-k * depth)).sum()
        assert fine * (1 - 1e-5) < few < fine * (1 + 1e-12)


def test_sums_are_kept():
    counts = expected_counts(0.2, windows=3, fills=1e4)
    for data in (depth_data(evidence_of(counts)), depth_data(evidence_of(counts), windows=False)):
        assert data.exposure_s.sum() == pytest.approx(counts.exposure_s.sum())
        assert data.fills.sum() == pytest.approx(counts.fills.sum(), abs=2)
        mass = (data.exposure_s * (data.depth_bps + data.reference_bps[data.asset][:, None])).sum()
        assert mass == pytest.approx((counts.exposure_s * counts.depth_bps).sum())
    assert depth_data(evidence_of(counts), windows=False).asset.size == 1
    assert data.reference_bps[0] == pytest.approx((counts.fills * counts.depth_bps).sum() / counts.fills.sum())


# What is left out --------------------------------------------------------------------------------------------------


def test_rows_without_information_are_left_out():
    counts = expected_counts(0.2, windows=4, fills=100.0)
    empty = np.array([1, 0, 1, 0])[:, None]
    gaps = replace(counts, exposure_s=counts.exposure_s * empty, fills=counts.fills * empty)
    data = depth_data(evidence_of(counts, replace(gaps, asset="Y")))
    np.testing.assert_array_equal(data.asset, [0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(data.window, [0, 1, 2, 3, 0, 2])
    assert data.n_windows == 4

    total = np.array([3.0, 0.0, 5.0])
    labels = LabelCounts("X", np.array([1.0, 0.0, 2.0]), total)
    values, window = np.array([1.0, 2.0, 6.0, 4.0, 4.0, 5.0, 6.0, 6.0]), np.array([0, 0, 0, 2, 2, 2, 2, 2])
    moments = MarkoutMoments("X", total, np.array([3.0, 0.0, 5.0]), np.array([14.0, 0.0, 4.0]), 1.5, values, window)
    given = Evidence((labels,), (moments,), (counts,))
    assert label_data(given).total.tolist() == [3, 5]
    assert label_data(given).informed.tolist() == [1, 2]
    markouts = markout_data(given)
    assert markouts.n.tolist() == [3.0, 5.0]
    assert markouts.mean_bps.tolist() == [3.0, 5.0]
    assert (markouts.dof[0], markouts.m2[0]) == (6.0, 18.0)


def walks(asset="W", orders=(30.0, 0.0, 20.0), tick=0.3, half=0.5, seconds=(300.0, 0.0, 300.0)) -> WalkCounts:
    orders, n = np.array(orders), len(orders)
    full = np.full(n, 1.0)
    beyond = np.floor(orders / 3)
    return WalkCounts(
        asset, np.array(seconds), np.zeros(n), orders - beyond, beyond, 2.0 * beyond, tick * full, half * full
    )


def test_walks_without_a_tick_are_exponential_and_closed_windows_left_out():
    data = walk_data(evidence_of(walks(), walks("V", tick=np.nan)))
    np.testing.assert_array_equal(data.window, [0, 2, 0, 2])
    assert (data.seconds > 0).all()
    np.testing.assert_allclose(data.tick_bps[data.asset == 0], 0.3)
    tick, kappa = data.tick_bps[data.asset == 1], 0.7
    # log of (1 - e^{-kappa tick})/tick is log kappa as the tick goes to nothing.
    np.testing.assert_allclose(np.log(-np.expm1(-kappa * tick) / tick), np.log(kappa), atol=1e-5)


def test_an_asset_without_a_market_order_takes_the_half_spread_of_the_others():
    silent = walks("S", orders=(0.0, 0.0), half=np.nan, tick=np.nan, seconds=(300.0, 300.0))
    data = walk_data(evidence_of(walks(half=0.4), walks("V", half=0.8), silent))
    np.testing.assert_allclose(data.half_spread_bps, [0.4, 0.8, 0.6])
    with pytest.raises(EvidenceError, match="no market order"):
        walk_data(evidence_of(silent))


# At the edge -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", [label_data, markout_data, depth_data, walk_data])
def test_no_assets_is_an_error_that_says_so(reduce):
    with pytest.raises(EvidenceError, match=r"no assets|no trade tapes"):
        reduce(Evidence((), (), ()))


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
@pytest.mark.parametrize("order", [1, -1])
def test_own_fills_and_trade_tapes_cannot_be_exchanged(backend, order):
    with pytest.raises(EvidenceError, match="cannot share one model"):
        backend.kappa(evidence_of(*[expected_counts(0.2, fills=1e3), walks()][::order]))


def test_exposure_that_is_nowhere_is_an_error():
    none = np.zeros((2, 0))
    with pytest.raises(EvidenceError, match="no order"):
        depth_data(evidence_of(DepthCounts("X", none, none, none)))


@pytest.fixture(scope="module")
def tapes():
    return World(assets=3, seconds=600.0).tapes(11)


def unfilled(tape):
    return replace(tape, fills=tape.fills.iloc[:0])


def never_at_touch(tape):
    """The tape as if every fill had been a tick beyond the touch."""
    deep = tape.meta.tick * 3
    orders = tape.orders.assign(price=tape.orders["price"] - tape.orders["side"] * deep)
    return replace(tape, orders=orders, fills=tape.fills.assign(price=tape.fills["price"] - tape.fills["side"] * deep))


def only_fills(tape):
    """Fills of which no order is known: no exposure."""
    return replace(tape, orders=tape.orders.iloc[:0])


AT_THE_EDGE = {
    "one asset only": lambda t: t[:1],
    "an asset without any fill": lambda t: [unfilled(t[0]), *t[1:]],
    "no fill of any": lambda t: [unfilled(x) for x in t],
    "an asset without a fill at the touch": lambda t: [never_at_touch(t[0]), *t[1:]],
    "an asset without exposure": lambda t: [only_fills(t[0]), *t[1:]],
    "one window": lambda t: [x.between(0.0, 100.0) for x in t],
}


@pytest.mark.parametrize("edge", AT_THE_EDGE)
@pytest.mark.parametrize("parameter", sorted({*in_numpyro.__all__} - {"bocpd_hazard_rate", *OF_FEATURES}))
def test_tapes_at_the_edge_make_proper_densities(tapes, parameter, edge):
    reduced = evidence if parameter in MODELLED else series_evidence
    given = reduced(AT_THE_EDGE[edge](tapes))
    model = getattr(in_pymc, parameter)(given)
    # Gradients are asked for where a row may have nothing in it: there they are not numbers if anything is not.
    names, _ = proper(getattr(in_numpyro, parameter)(given), gradient="without" in edge and parameter in MODELLED)
    assert {v.name for v in model.free_RVs} == names


def test_without_a_report_there_is_no_model_of_changepoints(tapes):
    for models in (in_pymc, in_numpyro):
        with pytest.raises(EvidenceError, match="changepoint"):
            models.bocpd_hazard_rate(series_evidence(tapes))


def proper(model, gradient=True):
    """Names of what is sampled, and what is reported, at a draw from the prior; density and gradient are finite."""
    with jax.enable_x64(True):
        seeded = numpyro.handlers.seed(model, jax.random.PRNGKey(1))
        sites = numpyro.handlers.trace(seeded).get_trace()
        free = {k: s["value"] for k, s in sites.items() if s["type"] == "sample" and not s["is_observed"]}
        assert np.isfinite(float(log_density(model, (), {}, free)[0]))
        slopes = jax.grad(lambda at: log_density(model, (), {}, at)[0])(free) if gradient else {}
    assert all(np.isfinite(np.asarray(g)).all() for g in slopes.values())
    shown = {k: np.asarray(s["value"]) for k, s in sites.items() if s["type"] == "deterministic"}
    assert all(np.isfinite(v).all() for v in shown.values())
    return set(free), shown


@pytest.mark.parametrize("parameter", ["alpha_touch", "spread_floor_bps"])
def test_without_any_fill_the_data_say_nothing(tapes, parameter):
    """The density is that of the prior in both backends, up to a constant of no importance."""
    given = evidence([unfilled(x) for x in tapes])
    model = getattr(in_pymc, parameter)(given)
    point = model.initial_point()
    assert model.compile_logp(mode="FAST_COMPILE")(point) == pytest.approx(
        model.compile_logp(model.free_RVs, mode="FAST_COMPILE")(point)
    )


@pytest.mark.parametrize("silent", [False, True])
def test_trade_tapes_at_the_edge_make_proper_densities(silent):
    quiet = walks("S", orders=(0.0, 0.0), half=np.nan, tick=np.nan, seconds=(300.0, 0.0))
    given = evidence_of(walks(tick=np.nan), *([quiet] if silent else []))
    names, shown = proper(in_numpyro.kappa(given))
    assert shown["A"].shape == (1 + silent,)
    assert {v.name for v in in_pymc.kappa(given).free_RVs} == names
