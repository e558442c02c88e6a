"""``mmresearch fit``: real fits of small tapes; what it prints, keeps, hands back, and how it exits."""

import json
import warnings

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

import mmresearch.models.gate as gates
from mmresearch.belief.catalogue import prior
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.prior_file import HandedBack, read_priors
from mmresearch.cli import main
from mmresearch.learn.storage.deployed_json import read_deployed
from mmresearch.models.batch import read_fit
from mmresearch.report.fits import Estimate, FitLine, show_estimates, show_fits, show_priors
from mmresearch.report.terminal import console_of
from mmresearch.sim.worlds import World
from mmresearch.tape.parquet import write_parquet

with warnings.catch_warnings():
    # The samplers' packages warn at import about things of their own.
    warnings.simplefilter("ignore")
    import mmresearch.commands.fit  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification")


@pytest.fixture(scope="module")
def tapes(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("tapes")
    made = World(assets=3, seconds=900.0).tapes(11)
    return [word for t in made for word in ("--tape", str(write_parquet(t, folder / f"{t.asset}.tape")))]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


def _run(*words: str):
    return CliRunner().invoke(main, list(words), prog_name="mmresearch")


@pytest.fixture(scope="module")
def first(tapes, out):
    return _run("fit", "alpha_touch", *tapes, *_plain(out), "--priors", str(out / "priors.json"))


def _plain(out) -> tuple[str, ...]:
    return "--backend", "pymc", "--quick", "--jobs", "1", "--out", str(out)


def _fits_in(text: str) -> bool:
    return all(cell_len(x.rstrip()) <= 100 for x in text.splitlines() if not x.startswith(("draws", "priors", "set")))


def test_it_prints_how_the_fit_went_and_what_it_says(first):
    assert first.exit_code == 0, first.output
    assert _fits_in(first.output)
    (row,) = (x for x in first.output.splitlines() if x.startswith("alpha_touch      pymc") or "admitted" in x)
    assert row.split()[:2] == ["alpha_touch", "pymc"]
    assert row.split()[-1] == "admitted"
    for said in ("min ESS", "max R-hat", "ALFA", "BRAV", "CHAR", "probability"):
        assert said in first.output


def test_a_second_run_takes_it_from_disk(first, tapes, out):
    found = _run("fit", "alpha_touch", *tapes, *_plain(out))
    assert found.exit_code == 0, found.output
    assert "admitted, kept" in found.output
    assert "1 of 1 fits were there already" in found.output


def test_the_document_holds_what_was_printed(first, out):
    document = json.loads((out / "fits.json").read_text())
    (line,) = document["fits"]
    assert line["parameters"] == ["alpha_touch"]
    assert line["admitted"] is True
    assert [e["asset"] for e in document["estimates"]] == ["ALFA", "BRAV", "CHAR"]
    assert all(e["lo"] < e["mean"] < e["hi"] for e in document["estimates"])
    assert set(document["versions"]) >= {"pymc", "python"}
    assert len(document["tapes"]) == 3


def test_priors_are_written_for_us_and_for_the_deployed_system(first, out):
    priors = read_priors(out / "priors.json")
    deployed, _ = read_deployed(out / "priors_learned_params.json")
    assert list(priors) == ["alpha_touch"]
    assert deployed["alpha_touch"].prior == priors["alpha_touch"].prior != prior("alpha_touch")
    assert deployed["kappa"].prior == prior("kappa")
    assert "prior for a new asset" in first.output


def test_a_refused_fit_sets_the_exit_code_where_that_is_wanted_and_hands_nothing_back(
    first, tapes, out, monkeypatch, tmp_path
):
    """The gate judges anew whatever lies on disk; here it wants more than any fit has."""
    monkeypatch.setattr(gates, "ESS_BOUND", 1e9)
    words = ("fit", "alpha_touch", *tapes, *_plain(out))
    assert _run(*words).exit_code == 0
    found = _run(*words, "--fail-on-refused", "--priors", str(tmp_path / "p.json"))
    assert found.exit_code == 1
    assert "refused" in found.output
    assert "ess bulk of" in " ".join(found.output.split())
    assert "a fit that is refused hands no prior back" in found.output
    assert read_priors(tmp_path / "p.json") == {}


def test_options_reach_the_model_and_make_another_fit(first, tapes, out):
    """The simplest version of alpha: binomial labels at their word, each asset with a prior of its own."""
    words = [w for o in ("label_error=false", "overdispersion=false", "pooling=false") for w in ("--option", o)]
    found = _run("fit", "alpha_touch", *tapes, *_plain(out), *words, "--priors", str(out / "simple.json"))
    assert found.exit_code == 0, found.output
    assert "were there already" not in found.output
    assert "alpha_touch: no prior: the draws have no mu" in found.output
    document = json.loads((out / "fits.json").read_text())
    assert document["options"] == "label_error=False, overdispersion=False, pooling=False"
    fitted, _ = read_fit(document["fits"][0]["draws"])
    assert fitted.options == document["options"]
    assert not {"mu", "tau", "rho"} & set(fitted.posterior["posterior"])
    assert _run("fit", "alpha_touch", *tapes, *_plain(out)).output.count("were there already") == 1


def test_what_a_version_does_not_have_is_said(out, tapes):
    words = ("--option", "excitation=false", "--option", "pooling=false")
    found = _run("fit", "hawkes_mu", "hawkes_beta", *tapes, *_plain(out), *words)
    assert found.exit_code == 0, found.output
    said = "hawkes_beta: no part of hawkes in pymc with excitation=False, pooling=False"
    assert said in " ".join(found.output.split())
    assert {e["parameter"] for e in json.loads((out / "fits.json").read_text())["estimates"]} == {"hawkes_mu"}


def test_a_parameter_that_the_tapes_say_nothing_of_has_no_fit(tapes, out):
    found = _run("fit", "bocpd_hazard_rate", *tapes, *_plain(out))
    assert found.exit_code == 2
    assert "no fit: no asset has reports of changepoints" in " ".join(found.output.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kapa",), "did you mean kappa"),
        (("gamma_base",), "'gamma_base' has no reference model; there are alpha_touch"),
        (("--cluster", "here"), "'here' names no cluster"),
        (("--backend", "stan"), "'stan' is not one of"),
        (("--jobs", "0"), "0 is not in the range"),
        (("--seed", "-1"), "-1 is not in the range"),
        (("--tape", "nowhere/x"), "nowhere"),
        (("--tape", "x", "--features"), "--features chooses among the bundled tapes"),
        (("kappa", "--option", "window=false"), "no option 'window'; there are window_effect, overdispersion, pooling"),
        (("kappa", "--option", "pooling=maybe"), "option pooling of kappa is true or false, got 'maybe'"),
        (("kappa", "alpha_touch", "--option", "window_effect=false"), "alpha_touch has no option 'window_effect'"),
    ],
)
def test_wrong_words_are_refused_with_exit_code_2(words, said, tmp_path):
    found = _run("fit", *words, "--out", str(tmp_path / "o"))
    assert found.exit_code == 2, found.output
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "o").exists()


def test_the_widest_tables_fit_a_terminal(capsys):
    names = ("predictive_bias_sensitivity", "hawkes_alpha")
    line = FitLine(
        names, "numpyro", 12345.6, 2, 123456.0, 12.3456, 123456, False, True, "refused: " + 30 * "long ", "x"
    )
    numbers = ("A_LONG_ASSET_NAME", -1.234e-9, -1.2345e-9, 1.2345e-8, 2e-7)
    estimates = [Estimate(n, "variance of log price per s", b, *numbers) for n in names for b in ("pymc", "numpyro")]
    belief = InverseGamma(2.0, 1.234e-10)
    priors = {n: HandedBack(n, "x", belief, 12.3, 0.1, 12345.6, (1.1e-11, 1e-10, 1.1e-9)) for n in names}
    console = console_of()
    show_priors(priors, console)
    show_fits([line], console)
    show_estimates(estimates, console)
    text = capsys.readouterr().out
    assert _fits_in(text)
    assert "…" not in "".join(x for x in text.splitlines() if not x.startswith("A_LONG"))
    assert text.count("!") == 4
    assert "no prior of its family comes within 1 nat" in text
