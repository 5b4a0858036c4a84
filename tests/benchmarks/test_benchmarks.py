"""The measurements run; what they measure depends on the machine and is no test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import NAMES

from agent_analytics_collector.home import Home

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"attribution", "dbt_growth"}
"""Of test_attribution.py; of test_raw_rows.py and tests/dbt, for dbt takes a minute for nothing."""


@pytest.mark.slow
def test_every_measurement_runs_and_reports_its_figures(tmp_path: Path, home: Home) -> None:
    report = tmp_path / "report.json"
    names = [name for name in NAMES if name not in ELSEWHERE]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--json", str(report), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measurements = json.loads(report.read_text())["measurements"]
    assert list(measurements) == names
    for name, measurement in measurements.items():
        assert measurement["figures"], name
        assert all(figure["subject"] for figure in measurement["figures"]), name
        assert measurement["title"] in done.stdout
    assert "collector up, apart, p50" in [
        figure["what"] for figure in measurements["hooks"]["figures"]
    ]
    assert not list(home.data.glob("*.duckdb")), "measured in somebody's home"


def test_an_unknown_measurement_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "speed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there are acknowledge, load" in done.stderr
