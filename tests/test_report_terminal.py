"""In a terminal: 100 columns, symbols besides colours, ASCII where there is nothing else."""

import io
from dataclasses import replace

import pytest
from fake_audit import fake_audit
from rich.cells import cell_len
from rich.console import Console

from mmresearch.report.terminal import console_of, show
from mmresearch.report.verdicts import LOOKS


def _shown(audit, encoding="utf-8", by_tape=None) -> str:
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=buffer, width=100, highlight=False)
    show(audit, console, by_tape)
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("assets", [1, 2, 8, 9, 40])
@pytest.mark.parametrize("by_tape", [True, False])
def test_no_line_is_wider_than_100_columns(assets, by_tape):
    assert max(cell_len(line.rstrip()) for line in _shown(fake_audit(assets), by_tape=by_tape).splitlines()) <= 100


def test_long_names_and_huge_numbers_fit_too():
    audit = fake_audit(3)
    long = [
        replace(
            c, learner=f"{c.learner}OfAVeryLongNameIndeed", tape=f"{c.tape}-PERPETUAL", mean=-123456.7, bias_sd=-1e9
        )
        for c in audit.certificates
    ]
    text = _shown(replace(audit, certificates=tuple(long)), by_tape=True)
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= 100


def test_every_learner_has_its_verdict_and_its_reason():
    text = " ".join(_shown(fake_audit()).split())
    for name in ("KappaExposure ✓ certified", "DeployedKappa # broken accounting", "AlphaTwoSided ≠ biased"):
        assert name in text
    assert "ledger: the posterior depends on where the tape is cut" in text
    assert "3 of 9 learners cleared" in text


def test_a_terminal_without_unicode_gets_ascii():
    text = _shown(fake_audit(2), encoding="ascii", by_tape=True)
    assert f"{LOOKS['certified'].ascii} certified" in text
    assert f"{LOOKS['biased'].ascii} biased" in text


def test_numbers_of_every_tape_appear_unasked_only_where_they_are_few():
    assert "sd/ref" in _shown(fake_audit(1))
    assert "sd/ref" not in _shown(fake_audit(8))
    assert "sd/ref" in _shown(fake_audit(8), by_tape=True)


def test_brackets_in_names_are_not_markup():
    audit = fake_audit(1)
    odd = [replace(c, learner="A[bold]B", reason="[red]x[/red]: y") for c in audit.certificates[:1]]
    text = _shown(replace(audit, certificates=tuple(odd), notes=("[b]n[/b]",)))
    assert "A[bold]B" in text
    assert "[red]x[/red]" in text
    assert "[b]n[/b]" in text


def test_the_console_is_never_wider_than_a_hundred():
    assert console_of().width <= 100
