"""A file is there whole or not at all."""

import os
import stat

import pytest

from mmresearch.report import files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = files.write_file(tmp_path / "a" / "x.txt", "old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        files.write_file(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(target.parent) == ["x.txt"]


def test_text_is_utf8_and_bytes_are_bytes(tmp_path):
    assert files.write_file(tmp_path / "t", "≠").read_bytes() == "≠".encode()
    assert files.write_file(tmp_path / "b", b"\x00\xff").read_bytes() == b"\x00\xff"


def test_others_may_read_what_the_umask_allows(tmp_path):
    old = os.umask(0o022)
    try:
        mode = files.write_file(tmp_path / "x", "a").stat().st_mode
    finally:
        os.umask(old)
    assert stat.S_IMODE(mode) == 0o644
