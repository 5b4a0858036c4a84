"""Files that pages need, from this package; nothing is fetched from another host."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
ECHARTS = STATIC / "vendor" / "echarts-6.1.0.common.min.js"
"""ECharts with bars, lines, scatter plots, tooltips and legends."""
CHARTS = STATIC / "charts.js"
"""Draws the charts of a page; comes after ECHARTS."""
