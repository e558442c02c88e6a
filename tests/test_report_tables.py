"""The tables hold every number, and CSV and Parquet hold the tables."""

from dataclasses import replace

import pandas as pd
from fake_audit import fake_audit
from pandas.testing import assert_frame_equal

from mmresearch.report.tables import all_tables, write_tables


def test_rows_are_certificates_checks_assets_and_tapes():
    audit = fake_audit()
    rows = {name: len(table) for name, table in all_tables(audit).items()}
    assert rows == {"certificates": 72, "checks": 720, "fits": 6 * 8, "tapes": 8}


def test_numbers_are_those_of_the_audit():
    audit = fake_audit()
    table = all_tables(audit)["certificates"]
    for row, c in zip(table.itertuples(index=False), audit.certificates, strict=True):
        assert (row.mean, row.sd, row.regret_bps, row.verdict) == (c.mean, c.sd, c.regret_bps, c.verdict)
    fits = all_tables(audit)["fits"]
    assert list(fits["mean"]) == [m for f in audit.fits for m in f.means]
    assert list(fits["unpooled"]) == [m for f in audit.fits for m in f.unpooled]


def test_files_give_the_tables_back(tmp_path):
    audit = fake_audit()
    write_tables(audit, tmp_path)
    for name, table in all_tables(audit).items():
        assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), table)
        read = pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False, na_values=[""])
        assert list(read.columns) == list(table.columns)
        for column in table.select_dtypes("number"):
            assert_frame_equal(read[[column]], table[[column]], check_exact=True)


def test_column_types_do_not_depend_on_what_is_known(tmp_path):
    audit = fake_audit(2)
    bare = [replace(c, regret_bps=None, reference_mean=None, truth=None) for c in audit.certificates]
    empty = replace(audit, certificates=tuple(bare), fits=())
    full, less = all_tables(audit), all_tables(empty)
    assert less["certificates"].dtypes.equals(full["certificates"].dtypes)
    assert list(less["fits"].columns) == list(full["fits"].columns)
    write_tables(empty, tmp_path)
    assert pd.read_parquet(tmp_path / "certificates.parquet")["regret_bps"].isna().all()
