"""How long the command takes: its help, and a quick audit of four assets by both backends, cold and warm.

Cold: nothing is kept from an earlier run. Warm: the same audit once more, first with what worlds said of the bundled
learners forgotten (they are asked anew, programs are compiled), then with it known. First of the parameters whose
fills teach a reference model, then of all, whose learners are sent through their worlds besides. The tapes are the
stems given, or four of the bundled tapes. ``python -m benchmarks.audit [STEM ...]``
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mmresearch.sim.bundle import data_dir

COMMAND = [sys.executable, "-m", "mmresearch.cli"]
#: Parameters that have a reference model; named here, so that the models need not be imported.
PARAMETERS = ("kappa", "alpha_touch", "spread_floor_bps")
BUNDLED = ("ALFA", "BRAV", "CHAR", "DELT")


def seconds_of(words: list[str], cache: Path) -> float:
    """Wall time of one run of the command in a process of its own, in seconds."""
    start = time.perf_counter()
    subprocess.run(
        [*COMMAND, *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "XDG_CACHE_HOME": str(cache)}
    )
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    stems = sys.argv[1:] or [str(data_dir() / f"{name}.tape") for name in BUNDLED]
    tapes = [word for stem in stems for word in ("--tape", stem)]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        audit = ["audit", "--quick", "--jobs", str(os.cpu_count() or 1), "--out", str(Path(folder) / "out"), *tapes]
        rows = {"help, best of five": min(seconds_of(["--help"], cache) for _ in range(5))}
        modelled = [word for name in PARAMETERS for word in ("--parameter", name)]
        few = f"{len(PARAMETERS)} parameters"
        for what, which in (
            (f"{few}, cold", modelled),
            (f"{few}, warm, worlds asked anew", modelled),
            (f"{few}, warm", modelled),
            ("all parameters, worlds asked anew", []),
            ("all parameters, warm", []),
        ):
            if "anew" in what:
                shutil.rmtree(cache / "mmresearch" / "worlds")
            rows[f"audit --quick, {len(stems)} tapes, both backends, {what}"] = seconds_of([*audit, *which], cache)
    for name, seconds in rows.items():
        print(f"{name:<80} {seconds:7.2f} s")


if __name__ == "__main__":
    main()
