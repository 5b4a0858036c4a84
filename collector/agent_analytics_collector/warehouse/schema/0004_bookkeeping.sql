-- What the loader, dbt and the user's settings leave behind.

CREATE TABLE raw_price_epochs (
    since TIMESTAMPTZ NOT NULL,
    known_from TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    reason VARCHAR
);

CREATE TABLE raw_settings (
    name VARCHAR NOT NULL,
    value VARCHAR,
    changed_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE raw_user_overrides (
    kind VARCHAR NOT NULL,
    "row" JSON NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE dbt_runs (
    run_id VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    status VARCHAR,
    models BIGINT,
    errors BIGINT,
    published_at TIMESTAMPTZ
);

CREATE TABLE ingest_batches (
    batch_id BIGINT NOT NULL,
    source VARCHAR NOT NULL,
    received_at TIMESTAMPTZ,
    loaded_at TIMESTAMPTZ NOT NULL,
    records BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);

CREATE TABLE raw_rejected (
    batch_id BIGINT NOT NULL,
    signal VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    record JSON,
    created_at TIMESTAMPTZ NOT NULL
);

-- One row: the spool position up to which everything is in this file, and the next free ids.
-- It is written in the transaction that writes the rows, which is what makes loading exactly once.
CREATE TABLE loader_position (
    segment BIGINT NOT NULL,
    "offset" BIGINT NOT NULL,
    next_metric_id BIGINT NOT NULL,
    next_log_id BIGINT NOT NULL,
    next_span_id BIGINT NOT NULL,
    next_batch_id BIGINT NOT NULL
);
INSERT INTO loader_position VALUES (0, 0, 1, 1, 1, 1);
