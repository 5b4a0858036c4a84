"""The notebook in docs/ on the published demo, cell by cell, as a reader runs it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from agent_analytics_collector.home import Home
from tests.dashboards.marts import publish_copy

from .warehouse import Warehouse

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first_look.ipynb"


# Jupyter's own sockets and event loop, not ours.
@pytest.mark.filterwarnings("default")
def test_every_cell_of_the_notebook_runs_and_draws_its_plot(
    built: Warehouse, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_copy(built.home, home)
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(home.root))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [{kind for each in cell.outputs for kind in each.get("data", {})} for cell in cells]
    assert ["image/png" in kinds for kinds in outputs] == [False, True, True, False, False]
    assert all("text/plain" in kinds for kinds in outputs)


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells)
