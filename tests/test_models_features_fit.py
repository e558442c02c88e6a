"""Fits of moves, costs and falls: draws of the bundled feature tapes, from both backends, and the truths in them."""

from __future__ import annotations

import numpy as np
import pytest
from test_models_features import small_features

import mmresearch as mm
from mmresearch.models.data import EvidenceError
from mmresearch.models.fit import OF_FEATURES, fit
from mmresearch.models.store import evidence_hash, load_fit, save_fit
from mmresearch.sim.bundle import SEED
from mmresearch.sim.feature_tapes import TOXIC_HOURS, feature_truths
from mmresearch.sim.truths import move_sd_bps

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification"),
]

BACKENDS = ("pymc", "numpyro")
#: Volatility is no row of the catalogue: the rows about moves hold it.
OF_CATALOGUE = set(OF_FEATURES) - {"sigma_bps_per_sqrt_s"}


def test_every_parameter_of_features_is_of_the_catalogue():
    assert set(mm.catalogue()["name"]) >= OF_CATALOGUE
    assert len(OF_CATALOGUE) == len(OF_FEATURES) - 1


def test_evidence_of_the_other_kind_is_refused():
    with pytest.raises(EvidenceError, match="this model reads features"):
        fit("momentum_normalizer_bps", mm.evidence(mm.example(features=True)[0]))
    with pytest.raises(EvidenceError, match="kappa reads the evidence of fills, got FeatureEvidence"):
        fit("kappa", small_features())


def test_an_asset_without_data_is_drawn_from_the_population_and_a_fit_comes_back(tmp_path):
    features = small_features()
    found = fit("sigma_bps_per_sqrt_s", features, "numpyro", draws=600, tune=400, chains=2, seed=3, progress=False)
    tree, _, origin = load_fit(save_fit(found, tmp_path / "s.zarr", features))
    assert origin["evidence_sha256"] == evidence_hash(features)
    assert evidence_hash(features) != evidence_hash(mm.feature_evidence(mm.example(features=True)))
    draws = tree["posterior"]
    log_s = np.log(draws["sigma_bps_per_sqrt_s"])
    known = [float(np.sqrt(m.squares_bps2 / m.n)) for m in features.seconds[:2]]
    np.testing.assert_allclose(np.exp(log_s.mean(("chain", "draw")))[:2], known, rtol=0.25)
    z = (log_s.sel(asset="C") - draws["m_s"]) / draws["tau_s"]
    assert abs(float(z.mean())) < 0.2
    assert 0.85 < float(z.std()) < 1.15


def true_value(name: str, asset: str) -> float | None:
    """Truth of a bundled tape; that of volatility is of a mid without jumps, so KILO alone has one."""
    if name == "sigma_bps_per_sqrt_s":
        return move_sd_bps(next(t for t in feature_truths(SEED) if t.asset == asset), 1) if asset == "KILO" else None
    return mm.example_truths(features=True)[asset].get(name)


@pytest.mark.long
@pytest.mark.parametrize("name", OF_FEATURES)
def test_bundled_truths_lie_in_fits_that_agree(name):
    """Fits of both backends are admitted, hold the truths within four sd, and have the same means and sds."""
    features, found = mm.feature_evidence(mm.example(features=True)), {}
    options = {"hours": TOXIC_HOURS} if name == "toxic_hour_gamma_mult" else {}
    for backend in BACKENDS:
        fitted = fit(name, features, backend, seed=1, quick=True, progress=False, **options)
        print(name, backend, f"{fitted.seconds:.1f} s, tries {fitted.tries}, ESS {fitted.gate.min_ess:.0f},",
              f"R-hat {fitted.gate.max_rhat:.4f}, {fitted.gate.divergences} divergences")  # fmt: skip
        assert fitted.gate.passed, fitted.gate.table
        draws = fitted.posterior["posterior"][name]
        assert draws.dims[-1] == "asset"
        # Thresholds have a tail of fractions near one where an asset tells nothing.
        found[backend] = np.log(draws) if name == "cascade_oi_threshold" else draws
    known = {asset: true_value(name, asset) for asset in features.assets}
    assert any(known.values())
    for asset, truth in known.items():
        one, two = (found[b].sel(asset=asset).to_numpy() for b in BACKENDS)
        assert abs(one.mean() - two.mean()) < 0.3 * one.std()
        assert abs(np.log(one.std() / two.std())) < 0.25
        if truth is not None:
            value = np.log(truth) if name == "cascade_oi_threshold" else truth
            assert abs(one.mean() - value) < 4 * one.std(), asset
