"""Laws of the table of learning: 25 rows, nothing missing without a word, counts as recounted, honest widths."""

import io
import re
from dataclasses import replace
from pathlib import Path

import naive_world as naive
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console
from scipy import stats

from mmresearch import cli
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.commands.learn import show_learning
from mmresearch.learn.counterparts import AS_DEPLOYED, RIGHT
from mmresearch.quote.derived_rows import DERIVED_ROWS, Choices
from mmresearch.report.learning import COLUMNS, learning_table, window_log_kappas
from mmresearch.report.learning_figure import LEAST_RATIO, learning_forest, marks_of
from mmresearch.report.style import to_png
from mmresearch.sim import feature_tapes
from mmresearch.sim.bundle import example, example_truths
from mmresearch.sim.truths import disturbed, truths_of
from mmresearch.sim.worlds import simulate
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, empty_table

SIDES = ("right", "deployed")
NUMBERS = ("mean", "sd", "lo", "hi")


@pytest.fixture(scope="module")
def tapes():
    return {tape.asset: tape for tape in example(features=True)}


@pytest.fixture(scope="module")
def tables(tapes):
    truths = example_truths(features=True)
    return {name: learning_table(tape, truths[name], feature_tapes.TOXIC_HOURS) for name, tape in tapes.items()}


@pytest.fixture(scope="module")
def bare():
    """A tape without signals, of which no truth is said."""
    return learning_table(example()[0].between(0.0, 900.0))


def explained(table):
    """Every number is finite, or the note beside it says why not; what was never taught says so too."""
    assert list(table["name"]) == list(CATALOGUE)
    assert tuple(table.columns) == COLUMNS
    for row in table.to_dict("records"):
        assert np.isfinite(row["truth"]) != bool(row["truth_note"]), row["name"]
        for side in SIDES:
            numbers = np.array([row[f"{side}_{x}"] for x in NUMBERS])
            assert np.isfinite(row[f"{side}_n"]), row["name"]
            assert np.isfinite(numbers).all() or row[f"{side}_note"], row["name"]
            assert row[f"{side}_n"] > 0 or row[f"{side}_note"], row["name"]
            if np.isfinite(numbers).all():
                assert row[f"{side}_lo"] <= row[f"{side}_hi"]


@pytest.mark.parametrize("asset", list(feature_tapes.HYPERS))
def test_25_rows_and_nothing_missing_without_a_word(tables, asset):
    explained(tables[asset])
    assert len(tables[asset]) == 25


def test_a_tape_without_signals_says_which_evidence_it_lacks(bare):
    explained(bare)
    rows = bare.set_index("name")
    for name in ("proactive_skew_sensitivity", "cascade_oi_threshold", "bocpd_hazard_rate", "kelly_tracker_decay"):
        assert rows["right_n"][name] == 0
        assert rows["right_note"][name].startswith("its prior: the tape has no ")
    assert set(bare["truth_note"]) == {"of this tape no truth is known", "a choice has no truth"}
    assert rows["right_n"]["kappa"] > 0


def test_only_policy_has_no_right_number(tables):
    for table in tables.values():
        assert list(table.loc[table["right_mean"].isna(), "kind"]) == ["policy"]
        assert table["deployed_mean"].notna().all()


def test_a_row_that_the_tape_hardly_moves_says_that_it_is_mostly_its_prior(tables):
    """Jumps hide what a cascade does, and a large volatility the noise of a quote."""
    notes = {asset: table.set_index("name")["right_note"] for asset, table in tables.items()}
    for asset, name in [("INDI", "cascade_oi_threshold"), ("KILO", "kalman_r"), ("JULI", "kappa_ewma_alpha")]:
        assert "mostly its prior" in notes[asset][name]
        row = tables[asset].set_index("name").loc[name]
        assert row["right_sd"] > 0.7 * prior(name).std()
    for asset, name in [("JULI", "cascade_oi_threshold"), ("KILO", "kalman_q"), ("INDI", "kappa")]:
        assert notes[asset][name] == ""


# Counts against a recount.


@pytest.mark.parametrize("asset", list(feature_tapes.HYPERS))
def test_right_counts_are_those_of_a_recount(tapes, tables, asset):
    tape, n = tapes[asset], tables[asset].set_index("name")["right_n"]
    ts, _, beyond, _, _ = naive.fills(tape)
    touch = np.abs(beyond) < 1e-6
    assert n["alpha_touch"] == n["spread_floor_bps"] == touch.sum()
    assert n["toxic_hour_gamma_mult"] == (touch & np.isin(ts // 3600 % 24, feature_tapes.TOXIC_HOURS)).sum()
    assert n["kappa"] == n["fill_probability_width_bps"] == len(set(tape.fills["order_id"]))
    assert n["hawkes_mu"] == n["hawkes_alpha"] == n["hawkes_beta"] == len(set(tape.trades["ts"]))
    seconds = len(set(np.floor(tape.quotes["ts"])))
    assert seconds - 2 <= n["kalman_q"] == n["kalman_r"] <= seconds
    assert n["momentum_normalizer_bps"] == n["max_drawdown"] == 59
    assert n["bocpd_threshold"] == n["gamma_base"] == 0
    signals = tape.signals
    if "changepoint" in signals:
        # The first report of all ends a step of unknown length.
        assert n["bocpd_hazard_rate"] == signals["changepoint"].dropna()[1:].sum()
    if "momentum" in signals:
        assert n["proactive_skew_sensitivity"] == 359
    if "open_interest" in signals:
        minute = signals.dropna(subset="open_interest").set_index("ts")["open_interest"]
        held = minute[minute.index % 60 == 0].to_numpy()
        assert n["cascade_oi_threshold"] == (np.diff(held)[:-1] < 0).sum()


@pytest.mark.parametrize("asset", list(feature_tapes.HYPERS))
def test_deployed_kappa_counts_all_fills_again_every_five_seconds(tapes, tables, asset):
    tape, table = tapes[asset], tables[asset].set_index("name")
    claimed = sum(int((tape.fills["ts"] < tape.t0 + 5.0 * k).sum()) for k in range(1, 720))
    assert table["deployed_n"]["kappa"] == pytest.approx(claimed, rel=0.01)
    assert table["deployed_n"]["kappa"] / table["right_n"]["kappa"] == pytest.approx(360, rel=0.1)
    # Its sd is too small by about the root of that.
    assert table["deployed_sd"]["kappa"] / table["deployed_mean"]["kappa"] == pytest.approx(claimed**-0.5, rel=0.02)


@pytest.mark.parametrize("asset", list(feature_tapes.HYPERS))
def test_deployed_alpha_counts_each_fill_twice_and_the_floor_counts_all_depths(tapes, tables, asset):
    fills, n = len(tapes[asset].fills), tables[asset].set_index("name")["deployed_n"]
    assert 2 * fills - 4 <= n["alpha_touch"] <= 2 * fills
    assert fills - 2 <= n["spread_floor_bps"] <= fills
    assert n["gamma_base"] == fills


def test_batch_rules_claim_pseudo_counts_whatever_they_saw(tables):
    for table in tables.values():
        n = table.set_index("name")["deployed_n"]
        assert 99 <= n["hawkes_alpha"] <= 100
        assert n["hawkes_beta"] == 1


def test_twelve_deployed_rules_never_learn(tables):
    for table in tables.values():
        never = table[table["deployed_note"] == "typed in, and nothing ever updates it"]
        assert len(never) == 12
        assert (never["deployed_n"] == 0).all()


# Truth and honesty.


def test_right_intervals_hold_the_truth_as_often_as_they_say_and_deployed_ones_do_not(tables):
    every = pd.concat(tables).query("truth > 0 and right_lo < right_hi")
    held = {side: every["truth"].between(every[f"{side}_lo"], every[f"{side}_hi"]) for side in SIDES}
    assert len(every) == 39
    assert held["right"].sum() >= stats.binom.ppf(0.005, len(every), 0.9)
    taught = every["deployed_n"] > 0
    assert held["deployed"][taught].sum() < stats.binom.ppf(1e-6, taught.sum(), 0.9)


def test_what_follows_from_a_truth_is_a_truth(tables):
    truths = example_truths(features=True)["KILO"]
    found = tables["KILO"].set_index("name")["truth"]
    for name, row in DERIVED_ROWS.items():
        assert found[name] == pytest.approx(float(row.value(truths, Choices())))
    assert found["fill_probability_width_bps"] == pytest.approx(1e4 / truths["kappa"])
    daily = truths["momentum_normalizer_bps"] * 1e-4 * np.sqrt(24 * 60)
    assert found["max_daily_loss_fraction"] == pytest.approx(2.3263 * daily, rel=1e-4)
    assert found["max_drawdown"] == pytest.approx(2.807 * daily, rel=1e-3)
    assert tables["INDI"].set_index("name")["truth_note"]["max_drawdown"].startswith("what it follows from")


def test_choices_move_what_follows_from_them(tapes):
    costly = learning_table(tapes["JULI"], choices=Choices(cost_false_positive=3.0, cost_false_negative=1.0))
    assert costly.set_index("name")["right_mean"]["bocpd_threshold"] == 0.75


def test_the_table_is_the_same_every_time_and_however_the_fills_are_indexed(tapes, tables):
    tape = tapes["JULI"]
    again = learning_table(tape, example_truths(features=True)["JULI"], feature_tapes.TOXIC_HOURS)
    pd.testing.assert_frame_equal(again, tables["JULI"])


def test_toxic_hours_are_a_choice(tapes):
    rows = learning_table(tapes["INDI"]).set_index("name")
    assert rows["right_n"]["toxic_hour_gamma_mult"] == 0
    assert "touch fills in toxic hours" in rows["right_note"]["toxic_hour_gamma_mult"]


def test_a_tape_without_own_fills_is_shown_with_hypothetical_orders(tapes):
    tape = tapes["KILO"].between(1800.0, 2700.0)
    market = replace(tape, orders=empty_table(ORDER_COLUMNS), fills=empty_table(FILL_COLUMNS))
    table = learning_table(market)
    explained(table)
    rows = table.set_index("name")
    assert rows["right_n"]["kappa"] > 20
    assert rows["deployed_n"]["alpha_touch"] > 20


def test_windows_add_up_to_the_tape(tapes):
    learner = RIGHT["kappa"].make()
    values = window_log_kappas(learner, tapes["JULI"])
    whole = learner.posterior(learner.update(learner.init(), tapes["JULI"]))
    assert len(values) == 12
    assert abs(values.mean() - np.log(whole.mean())) < 3 * values.std() / np.sqrt(12) + 0.05


def test_every_row_has_its_counterparts():
    assert set(AS_DEPLOYED) == set(CATALOGUE)
    assert set(RIGHT) == {name for name, row in CATALOGUE.items() if row.kind == "learned"}
    for name in CATALOGUE:
        assert AS_DEPLOYED[name]().parameter == name
    assert all(right.make().parameter == name for name, right in RIGHT.items())


@pytest.mark.long
@pytest.mark.parametrize("asset", list(feature_tapes.HYPERS))
def test_over_fresh_worlds_the_intervals_hold_the_truth(asset):
    held = []
    for i in range(24):
        truth = feature_tapes.feature_truth(asset, 4242, i)
        tape = simulate(truth, feature_tapes.PLAYED_S, feature_tapes.POLICY, [4242, i]).between(*feature_tapes.KEPT_S)
        known = truths_of(truth, feature_tapes.PLAYED_S)
        table = learning_table(tape, {k: v for k, v in known.items() if k not in disturbed(truth)}, (1,))
        rows = table[(table["kind"] == "learned") & (table["truth"] > 0)]
        held.append(rows["truth"].between(rows["right_lo"], rows["right_hi"]).mean())
    # Not .9: priors deny some truths of these worlds: of mu, of the noise of quotes, of a floor without adverse moves.
    assert np.mean(held) > 0.8


# Picture and command.


def test_the_picture_shows_every_belief_that_has_a_truth(tables):
    marks = marks_of(tables)
    rows = pd.concat(tables)
    assert len(marks) == 2 * (rows["truth"] > 0).sum()
    floor = next(m for m in marks if (m.name, m.tape, m.side) == ("spread_floor_bps", "INDI", "deployed"))
    assert floor.ratio < 0
    figure = learning_forest(tables)
    ratio = figure.axes[0]
    edges = [line for line in ratio.lines if line.get_marker() == "<"]
    assert len(edges) == sum(m.ratio < LEAST_RATIO for m in marks) > 0
    assert all(line.get_xdata()[0] == LEAST_RATIO for line in edges)


def test_the_picture_compares_factors_near_one_as_rates(tables):
    row = tables["KILO"].set_index("name").loc["regime_sticky_diagonal"]
    mark = next(m for m in marks_of(tables) if m.name == "regime_sticky_diagonal" and m.side == "deployed")
    assert mark.ratio == pytest.approx(np.log(row["deployed_mean"]) / np.log(row["truth"]))
    assert mark.lo < mark.ratio < mark.hi


def test_the_picture_is_the_same_bytes_every_time_and_refuses_tables_without_a_truth(tables, bare):
    assert to_png(learning_forest(tables), 40) == to_png(learning_forest(tables), 40)
    with pytest.raises(ValueError, match="no row of these tables has a truth"):
        learning_forest({"X": bare})


def printed(table):
    buffer = io.StringIO()
    show_learning(table, Console(file=buffer, width=100, highlight=False))
    return buffer.getvalue()


def test_the_readme_shows_lines_that_the_command_prints(tables):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```\n(name  .*?)```", readme, re.S)[1].splitlines()
    lines = [line.rstrip() for line in printed(tables["INDI"]).splitlines()]
    assert len(shown) > 3
    assert not [line for line in shown if line not in lines]


def test_the_printed_table_fits_100_columns_and_cuts_no_number(tables, bare):
    for table in (*tables.values(), bare):
        text = printed(table)
        assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= 100
        assert "…" not in text
        assert all(any(line.startswith(name) for line in text.splitlines()) for name in CATALOGUE)


def test_the_command_prints_the_table_and_keeps_it(tmp_path, tables):
    found = CliRunner().invoke(cli.main, ["learn", "--asset", "JULI", "--csv", str(tmp_path / "learning.csv")])
    assert found.exit_code == 0, found.output
    assert "JULI: 3600 s, 462 fills" in found.output
    kept = pd.read_csv(tmp_path / "learning.csv")
    np.testing.assert_allclose(kept["right_mean"], tables["JULI"]["right_mean"])


def test_the_command_refuses_hours_that_are_none():
    found = CliRunner().invoke(cli.main, ["learn", "--toxic-hours", "noon"])
    assert found.exit_code == 2
    assert "does not name hours" in found.output
