"""The views of `dashboards/` in Metabase, over its REST API.

That API has no versions (“subject to change”), so one release is pinned: its request schemas are
those of `metabase/metabase` at v0.63, where each endpoint's malli schema is beside it
(`src/metabase/{setup_rest,session,warehouses_rest,collections_rest,queries_rest,dashboards_rest}`).
"""

METABASE_VERSION = "v0.63.19"
"""What this was written for; docker/metabase/Dockerfile builds it."""
DRIVER_VERSION = "1.5.5.0"
"""Of github.com/motherduckdb/metabase_duckdb_driver: DuckDB 1.5.5, which reads what we publish."""
