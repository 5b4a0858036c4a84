"""The fresh answer: the published marts, and what has come since, without dbt and a collector."""

from agent_analytics_cli.fresh.marts import FreshMarts, open_fresh_marts

__all__ = ["FreshMarts", "open_fresh_marts"]
