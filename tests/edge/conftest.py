"""The running collector of tests/service, and an authority."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.conftest import start  # noqa: F401  (a fixture)

from .certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
