"""Priors handed back: written and read without a digit lost, taken by learners, exchanged with the deployed format."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import CATALOGUE, catalogue_table, prior
from mmresearch.belief.families import Family
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.belief.prior_file import HandedBack, PriorFileError, read_priors, render_priors
from mmresearch.learn.contract import LearnerError, name_of, named
from mmresearch.learn.deployed.kappa import DeployedKappa
from mmresearch.learn.readiness.forgetting import Forgetting
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.hawkes import HawkesMu
from mmresearch.learn.sound.kappa import KappaExposure
from mmresearch.learn.storage.deployed_json import read_deployed, write_deployed
from mmresearch.learn.storage.learned import defaults
from mmresearch.learn.with_priors import learners_with, starting_from
from mmresearch.report.learning import learning_table
from mmresearch.sim.bundle import example


def handed(name: str, belief: Family, **beside: Family) -> HandedBack:
    return HandedBack(name, CATALOGUE[name].unit, belief, 0.1 / 3, 1e-3 / 7, 2 / 7, (0.1, 1 / 3, 2 / 3), beside)


PRIORS = {
    "alpha_touch": handed("alpha_touch", Beta(14.3 / 3, 7.7)),
    "bocpd_hazard_rate": handed("bocpd_hazard_rate", Gamma(2.0 / 3, 131.0)),
    "hawkes_alpha": handed("hawkes_alpha", Beta(8.1, 11.9)),
    "hawkes_beta": handed("hawkes_beta", Gamma(3.1, 4.7)),
    "hawkes_mu": handed("hawkes_mu", Gamma(6.3, 21.0)),
    "kalman_q": handed("kalman_q", InverseGamma(2.9, 7e-8 / 3)),
    "kalman_r": handed("kalman_r", InverseGamma(4.1, 9e-9)),
    "kappa": handed("kappa", Gamma(5.5, 0.0011), A=Gamma(2.3, 3.9)),
    "microprice_decay": handed("microprice_decay", Beta(301.0, 2.3)),
    "spread_floor_bps": handed(
        "spread_floor_bps", Normal(3.3, 1.7), floor_and_variance=NormalInverseGamma(3.2, 9.0, 3.5, 60.0)
    ),
}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "priors.json"
    path.write_text(render_priors(PRIORS, {"assets": ["X"]}))
    return path


def test_what_is_written_is_read(written):
    assert read_priors(written) == PRIORS
    assert json.loads(written.read_text())["made_from"] == {"assets": ["X"]}


def _with(written, change) -> None:
    document = json.loads(written.read_text())
    change(document)
    written.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="something"), "holds no priors; write them with"),
        (lambda d: d.update(version=2), "is of version 2; this package reads 1"),
        (lambda d: d["priors"].update(kapa=d["priors"]["kappa"]), "'kapa' is not in the catalogue"),
        (lambda d: d["priors"]["kappa"].update(family="Normal"), "kappa is a Normal in .*; the catalogue has a Gamma"),
        (lambda d: d["priors"]["kappa"].update(unit="1/bp"), "kappa is a Gamma in '1/bp'"),
        (lambda d: d["priors"]["kappa"].update(shape=-1.0), "kappa makes no sense: shape must be finite and positive"),
        (lambda d: d["priors"]["kappa"].pop("rate"), "kappa makes no sense: 'rate'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_name(written, change, said):
    _with(written, change)
    with pytest.raises(PriorFileError, match=said):
        read_priors(written)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "x").write_text("kappa = 2000")
    with pytest.raises(PriorFileError, match="is no JSON"):
        read_priors(tmp_path / "x")


#: What a learner believes at first is its prior; of alpha the prior is about the branching, of which it is a factor.
@pytest.mark.parametrize("name", [n for n in PRIORS if n not in ("hawkes_alpha", "spread_floor_bps")])
def test_a_learner_starts_from_the_prior(name):
    learners = [x for x in learners_with(PRIORS) if x.parameter == name]
    assert learners
    for learner in learners:
        assert _apart(learner, PRIORS[name].prior) < 0.02
        assert _apart(type(learner)(), PRIORS[name].prior) > 0.2


def _apart(learner, belief: Family) -> float:
    """Greatest gap between quantiles of what a learner believes at first and a belief, in sds of the belief."""
    p = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    return float(np.abs(learner.posterior(learner.init()).ppf(p) - belief.ppf(p)).max() / belief.std())


def test_the_learner_of_the_floor_starts_from_the_joint_prior():
    (learner,) = learners_with({"spread_floor_bps": PRIORS["spread_floor_bps"]})
    joint, found = PRIORS["spread_floor_bps"].beside["floor_and_variance"], learner.prior()
    for name in ("location", "count", "shape", "scale"):
        np.testing.assert_allclose(getattr(found, name), getattr(joint, name), rtol=1e-12)
    (alone,) = learners_with({"spread_floor_bps": replace(PRIORS["spread_floor_bps"], beside={})})
    assert (alone.mean_bps, alone.sd_bps) == (3.3, 1.7**0.5)


def test_the_learner_of_kappa_takes_the_intensity_too():
    exposure, _ = learners_with({"kappa": PRIORS["kappa"]})
    assert (exposure.A_shape, exposure.A_rate_s) == (2.3, 3.9)


def test_learners_of_flow_take_all_three_or_what_there_is():
    both = {n: PRIORS[n] for n in ("hawkes_mu", "hawkes_alpha")}
    mu, alpha = learners_with(both)
    assert (mu.prior.mu_shape, mu.prior.branching_a) == (6.3, 8.1)
    assert alpha.prior.mu_rate == 21.0
    assert mu.prior.beta_shape == HawkesMu().prior.beta_shape


def test_a_right_learner_starts_from_its_prior_where_the_file_has_one():
    assert starting_from(SpreadFloor(), {"kappa": PRIORS["kappa"]}) == SpreadFloor()
    found = starting_from(KappaExposure(), PRIORS)
    assert (type(found), found.A_rate_s) == (KappaExposure, 3.9)
    with pytest.raises(LearnerError, match="DeployedKappa takes no prior of kappa"):
        starting_from(DeployedKappa(), PRIORS)


def test_learners_with_other_priors_have_names_of_their_own():
    for learner in learners_with(PRIORS):
        assert name_of(learner) == f"{type(learner).__name__} (handed prior)"
        assert name_of(pickle.loads(pickle.dumps(learner))) == name_of(learner)


def test_a_learner_gets_another_name_and_stays_what_it_was():
    given = KappaExposure()
    other = named(given, "wider prior")
    assert (name_of(given), name_of(other)) == ("KappaExposure", "wider prior")
    assert replace(other, name="KappaExposure") == given
    with pytest.raises(LearnerError, match="Forgetting fixes the name of its learners"):
        named(Forgetting(given, 600.0), "forgets")


def test_learning_starts_from_the_priors_of_a_file():
    tape = example()[0].between(0.1, 1.0)
    assert not len(tape.fills)
    rows = learning_table(tape, priors={"alpha_touch": PRIORS["alpha_touch"]}).set_index("name")
    assert rows.loc["alpha_touch", "right_mean"] == pytest.approx(PRIORS["alpha_touch"].prior.mean(), rel=1e-3)
    without = learning_table(tape).set_index("name")
    pd.testing.assert_frame_equal(rows.drop("alpha_touch"), without.drop("alpha_touch"))
    assert abs(without.loc["alpha_touch", "right_mean"] - rows.loc["alpha_touch", "right_mean"]) > 0.05


def test_a_prior_that_no_learner_takes_is_refused():
    with pytest.raises(LearnerError, match="no learner takes a prior of gamma_base"):
        learners_with({"gamma_base": handed("gamma_base", Gamma(1.0, 1.0))})
    with pytest.raises(LearnerError, match="the prior of alpha_touch is a Gamma; its learner takes a Beta"):
        learners_with({"alpha_touch": handed("alpha_touch", Gamma(1.0, 1.0))})


def test_the_deployed_format_brings_every_prior_back(tmp_path):
    path = tmp_path / "new_learned_params.json"
    notes = write_deployed(defaults("NEW", priors=PRIORS), path)
    assert notes == ()
    found, _ = read_deployed(path)
    for name in CATALOGUE:
        wanted = PRIORS[name].prior if name in PRIORS else prior(name)
        assert found[name].prior == wanted, name
        assert found[name].posterior == wanted
        assert found[name].n_observations == 0


def test_the_catalogue_shows_priors_in_the_place_of_its_own():
    plain = catalogue_table().set_index("name")
    shown = catalogue_table({n: h.prior for n, h in PRIORS.items()}).set_index("name")
    others = [n for n in CATALOGUE if n not in PRIORS]
    assert shown.loc[others].equals(plain.loc[others])
    assert shown.loc["kappa", "prior_mean"] == PRIORS["kappa"].prior.mean()
    assert shown.loc["kappa", "prior_sd"] == PRIORS["kappa"].prior.std()
    assert shown.loc["kappa", "prior_hi"] == PRIORS["kappa"].prior.interval(0.9)[1]
