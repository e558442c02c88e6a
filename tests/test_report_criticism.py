"""The flat doors of criticism: figures say what the tables say, priors are held to the catalogue, futures to blocks."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats
from test_models_density import small_evidence

import mmresearch as mm
from benchmarks.foresight import Scores, block_bootstrap, blocks, compared, last_third, predictive
from mmresearch.models.criticism.criticism import Findings
from mmresearch.models.criticism.prior_predictive import prior_draws
from mmresearch.models.data import EvidenceError
from mmresearch.models.priors import AlphaPriors, KappaPriors, Population
from mmresearch.report.criticism import band, criticism_figure
from mmresearch.report.style import to_png

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)


def table(**surprising):
    rows = [
        {"asset": "A", "check": check, "value": 2.0, "low": 0.5, "high": 1.5, "p": 0.01, "surprising": yes, "why": "."}
        for check, yes in surprising.items()
    ]
    return pd.DataFrame(rows)


def test_a_figure_marks_what_is_surprising():
    rng = np.random.default_rng(0)
    checks = {"labels: PIT": True, "labels: dispersion": True, "labels: autocorrelation": False}
    found = Findings(table(**checks), pd.DataFrame(), {("A", "labels"): rng.beta(0.5, 0.5, 80)}, "labels of a window")
    figure = criticism_figure("alpha_touch", found)
    left, right = figure.axes
    assert [t.get_text() for t in right.get_yticklabels()] == ["A  labels: dispersion", "A  labels: autocorrelation"]
    faces = [line.get_markerfacecolor() for line in right.get_lines() if line.get_marker() == "o"]
    assert faces[0] != faces[1]
    assert any("A labels" in t.get_text() for t in left.texts)
    assert imread(io.BytesIO(to_png(figure))).std() > 0.01


def test_the_band_holds_uniform_samples_from_end_to_end():
    rng, size = np.random.default_rng(1), 60
    grid = np.linspace(0.005, 0.995, 199)
    inside = 0
    for _ in range(400):
        u = np.sort(rng.random(size))
        off = np.abs(np.searchsorted(u, grid, side="right") / size - grid) / np.sqrt(grid * (1 - grid))
        inside += off.max() <= band(size)
    assert stats.binomtest(inside, 400, 0.95).pvalue > 1e-3


def test_priors_are_held_to_the_catalogue():
    evidence = small_evidence()
    found = mm.prior_predictive("alpha_touch", evidence, seed=1, draws=400)
    low, high = mm.parameter("alpha_touch").plausible
    assert f"{low:g} to {high:g}" in found.statement
    assert list(found.table["quantity"]) == ["a new asset", "mean of informed"]
    seen = np.concatenate([c.informed for c in evidence.alpha_touch]).mean()
    assert found.table["observed"].iloc[1] == pytest.approx(seen)
    again = mm.prior_predictive("alpha_touch", evidence, seed=1, draws=400)
    assert again.table.equals(found.table)
    assert len(found.plot().axes) == 2


def test_a_prior_whose_counts_no_integer_holds_is_drawn_all_the_same():
    """Wide priors of kappa and A give windows more fills than there are atoms, the median stays one."""
    counts = prior_draws("kappa", small_evidence(), draws=300, seed=1).replicated["fills"]
    assert counts.shape == (301,)
    assert 0 < np.median(counts[:-1]) < 1e6
    wide = KappaPriors(A=Population(500.0, 300.0, 1.0))
    huge = prior_draws("kappa", small_evidence(), draws=50, seed=1, priors=wide).replicated["fills"]
    assert np.median(huge[:-1]) > 1e18


def test_a_prior_of_the_impossible_is_told():
    absurd = AlphaPriors(alpha=Population(-9.0, 0.1, 0.1))
    found = prior_draws("alpha_touch", small_evidence(), draws=200, priors=absurd)
    assert found.below > 0.95
    usual = prior_draws("alpha_touch", small_evidence(), draws=200)
    assert usual.below + usual.above < 0.25
    with pytest.raises(EvidenceError, match="no reference model for 'gamma_base'"):
        prior_draws("gamma_base", small_evidence())


# The last third ----------------------------------------------------------------------------------------------------


def test_a_tape_is_cut_after_two_thirds():
    (tape, *_) = mm.example()
    first, last = last_third(tape)
    assert first.t1 == last.t0 == pytest.approx(tape.t0 + 2 / 3 * tape.seconds)
    assert len(first.trades) + len(last.trades) == len(tape.trades)


def test_a_predictive_density_is_a_mean_over_draws():
    density = np.log([[0.1, 0.2], [0.3, 0.6]])
    np.testing.assert_allclose(np.exp(predictive(density)), [0.2, 0.4])
    np.testing.assert_allclose(blocks(np.arange(4.0), np.array([0, 0.4, 0.6, 1.0]), 2), [1.0, 5.0])


@pytest.mark.parametrize(("phi", "wider"), [(0.0, False), (0.9, True)])
def test_blocks_see_what_is_alike_in_time(phi, wider):
    """Sd of a sum of an autoregression against that of single values: blocks widen it, where there is memory."""
    rng = np.random.default_rng(2)
    x = np.zeros(1000)
    for t in range(1, 1000):
        x[t] = phi * x[t - 1] + rng.standard_normal()
    ratio = block_bootstrap(x, rng).std() / (x.std() * np.sqrt(1000))
    assert bool(ratio > 1.5) is wider
    assert ratio > 0.85


def test_the_better_model_is_named():
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(60)
    better, worse, same = noise + 1.0, noise - 1.0, noise + 0.01 * rng.standard_normal(60)
    found = [Scores("kappa", "A", "windows differ", 60, noise, rich) for rich in (better, worse, same)]
    says = compared(found)["says"]
    assert "better" in says[0]
    assert "worse" in says[1]
    assert "No difference" in says[2]
