"""Each verb does what it says: catalogue, tape, audit with an engine that is made up, and report."""

import warnings
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from fake_audit import fake_audit
from rich.cells import cell_len

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.prior_file import HandedBack, render_priors
from mmresearch.cli import main
from mmresearch.learn.contract import name_of
from mmresearch.report.write import Written
from mmresearch.sim.bundle import example
from mmresearch.tape.read import read

with warnings.catch_warnings():
    # The samplers' packages warn at import about things of their own.
    warnings.simplefilter("ignore")
    from mmresearch.audit.run import Outcome
    from mmresearch.commands import audit as audit_verb

DATA = Path(__file__).parent.parent / "data"


def _run(*words: str):
    return CliRunner().invoke(main, list(words), prog_name="mmresearch")


def _fits(text: str) -> bool:
    return all(cell_len(line.rstrip()) <= 100 for line in text.splitlines() if not line.startswith(("report", "tape ")))


def test_the_catalogue_has_25_rows_in_100_columns():
    found = _run("catalogue")
    assert found.exit_code == 0
    assert _fits(found.output)
    names = [line.split()[1] for line in found.output.splitlines() if line[:1].isdigit()]
    assert names == list(CATALOGUE)
    assert len(names) == 25
    assert "…" not in found.output


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_one_parameter_in_full(name):
    found = _run("catalogue", name)
    assert found.exit_code == 0
    assert _fits(found.output)
    words = " ".join(found.output.split())
    for said in (CATALOGUE[name].estimand, CATALOGUE[name].reason, CATALOGUE[name].unit):
        assert " ".join(said.split()) in words


def test_a_misspelt_parameter_gets_the_nearest_names():
    found = _run("catalogue", "kapa")
    assert found.exit_code == 2
    assert "did you mean kappa" in found.stderr


def test_import_keeps_the_tape_and_inspect_says_what_is_in_it(tmp_path):
    kept = tmp_path / "mine.tape"
    found = _run("tape", "import", str(DATA / "ALFA.tape"), str(kept), "--asset", "MINE")
    assert found.exit_code == 0, found.stderr
    first, again = example()[0], read(kept)
    assert (again.asset, len(again.quotes), len(again.fills)) == ("MINE", len(first.quotes), len(first.fills))
    looked = _run("tape", "inspect", str(kept))
    assert looked.exit_code == 0
    assert _fits(looked.output)
    for said in ("MINE", "synthetic", str(len(first.fills)), "nothing"):
        assert said in looked.output


def test_a_tape_that_is_not_there_is_named_in_one_line():
    found = _run("tape", "inspect", "nowhere/at_all")
    assert found.exit_code == 2
    assert found.stderr.count("\n") == 1
    assert "nowhere" in found.stderr


@pytest.fixture
def engine(monkeypatch):
    """Replace the engine by one that notes how it was called."""
    calls = []

    def audit(tapes, learners, **options):
        calls.append((tapes, learners, options))
        return Outcome(fake_audit(2), ())

    monkeypatch.setattr(audit_verb, "audit", audit)
    return calls


@pytest.fixture
def no_report(monkeypatch):
    """Leave out the report, where another test looks at it."""
    monkeypatch.setattr(audit_verb, "write_report", lambda _, out: Written(out, out / "report.html"))


def test_audit_prints_a_table_and_leaves_a_report(engine, tmp_path):
    found = _run("audit", "--out", str(tmp_path / "o"), "--seed", "3", "--quick", "--jobs", "1", "--backend", "pymc")
    assert found.exit_code == 0, found.stderr
    assert _fits(found.output)
    for name in ("report.html", "audit.json", "audit.schema.json", "junit.xml", "tables/checks.parquet",
                 "tables/certificates.csv", "figures/kappa-forest.svg"):  # fmt: skip
        assert (tmp_path / "o" / name).is_file(), name
    assert str(tmp_path / "o" / "report.html") in found.output
    ((tapes, learners, options),) = engine
    assert [t.asset for t in tapes] == [t.asset for t in example()]
    assert learners is None
    assert (options["seed"], options["quick"], options["jobs"], options["backend"]) == (3, True, 1, "pymc")
    assert set(options["truths"]) == {t.asset for t in tapes}


def test_named_tapes_and_learners_reach_the_engine(engine, no_report, tmp_path):
    words = ("--tape", str(DATA / "ALFA.tape"), "--tape", f"OTHER={DATA / 'ALFA.tape'}", "--learner", "KappaExposure",
             "--learner", "mmresearch.learn.sound.floor:SpreadFloor", "--parameter", "kappa")  # fmt: skip
    found = _run("audit", "--out", str(tmp_path), *words)
    assert found.exit_code == 0, found.stderr
    ((tapes, learners, options),) = engine
    assert [t.asset for t in tapes] == ["ALFA", "OTHER"]
    assert [x.parameter for x in learners] == ["kappa", "spread_floor_bps"]
    assert options["parameters"] == ["kappa"]
    assert options["truths"] is None
    assert [s.source for s in options["summaries"]] == [words[1], words[3]]


def test_learners_start_from_priors_that_were_handed_back(engine, no_report, tmp_path):
    prior, (low, high) = Gamma(40.0, 40.0 / 3000.0), (2000.0, 4000.0)
    handed = HandedBack("kappa", CATALOGUE["kappa"].unit, prior, 0.1, 0.01, 0.5, (low, 3000.0, high))
    (tmp_path / "p.json").write_text(render_priors({"kappa": handed}, {}))
    assert _run("audit", "--out", str(tmp_path), "--priors", str(tmp_path / "p.json")).exit_code == 0
    ((_, learners, _),) = engine
    assert [name_of(x) for x in learners] == ["KappaExposure (handed prior)", "KappaMarketOrders (handed prior)"]
    assert [x.posterior(x.init()).mean() for x in learners] == pytest.approx([3000.0, 3000.0], rel=1e-6)
    csv = tmp_path / "t.csv"
    found = _run("learn", "--priors", str(tmp_path / "p.json"), "--csv", str(csv))
    assert found.exit_code == 0, found.stderr
    assert _fits(found.output)
    plain = _run("learn", "--csv", str(tmp_path / "u.csv"))
    assert plain.exit_code == 0
    one, two = (pd.read_csv(p).set_index("name")["right_mean"] for p in (csv, tmp_path / "u.csv"))
    moved = one[one.ne(two) & one.notna()].index
    assert "kappa" in moved
    assert "alpha_touch" not in moved


@pytest.mark.parametrize(
    ("limit", "code"), [("not identified", 0), ("broken accounting", 1), ("biased", 1), ("usable", 1)]
)
def test_fail_on_sets_the_exit_code(limit, code, engine, no_report, tmp_path):
    assert _run("audit", "--out", str(tmp_path), "--fail-on", limit).exit_code == code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--learner", "nowhere:Nothing"), "cannot load the learner"),
        (("--learner", "Nothing"), "package.module:Class"),
        (("--parameter", "kapa"), "did you mean kappa"),
        (("--tape", "nowhere/x"), "nowhere"),
        (("--backend", "stan"), "'stan' is not one of"),
        (("--fail-on", "awful"), "'awful' is not one of"),
        (("--jobs", "0"), "0 is not in the range"),
        (("--data-dir", "nowhere"), "nowhere"),
    ],
)
def test_wrong_words_are_refused_with_exit_code_2(words, said, engine):
    found = _run("audit", *words)
    assert found.exit_code == 2, found.output
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert engine == []


def test_a_learner_of_the_working_folder_is_found(engine, no_report, tmp_path, monkeypatch):
    (tmp_path / "my_desk_rules.py").write_text("from mmresearch.learn.sound.floor import SpreadFloor as Mine\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/", *__import__("sys").path])
    assert _run("audit", "--learner", "my_desk_rules:Mine").exit_code == 0
    assert [x.parameter for x in engine[0][1]] == ["spread_floor_bps"]


def test_report_writes_the_same_page_again_and_figures_with_their_manifest(engine, tmp_path):
    _run("audit", "--out", str(tmp_path / "a"))
    found = _run("report", str(tmp_path / "a" / "audit.json"), "--out", str(tmp_path / "b"))
    assert found.exit_code == 0, found.stderr
    for name in ("report.html", "audit.json", "junit.xml", "figures/kappa-scores.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    drawn = _run("report", str(tmp_path / "a" / "audit.json"), "--figures-only", "--out", str(tmp_path / "f"))
    assert drawn.exit_code == 0
    assert "kappa-forest.png" in (tmp_path / "f" / "manifest.json").read_text()
    assert not (tmp_path / "f" / "report.html").exists()


def test_a_document_that_is_no_audit_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    found = _run("report", str(tmp_path / "x.json"))
    assert found.exit_code == 2
    assert "is not an audit" in found.stderr
