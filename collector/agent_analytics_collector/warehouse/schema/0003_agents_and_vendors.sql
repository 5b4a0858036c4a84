-- What agents leave on disk and what vendors' APIs report.

CREATE TABLE raw_agent_session_records (
    agent VARCHAR NOT NULL,
    session_id VARCHAR,
    record_key UUID NOT NULL,
    timestamp TIMESTAMPTZ,
    kind VARCHAR NOT NULL,
    project_path VARCHAR,
    git_branch VARCHAR,
    payload JSON,
    developer_id VARCHAR,
    source_file VARCHAR,
    batch_id BIGINT,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE raw_copilot_metrics (
    id BIGINT NOT NULL,
    date DATE NOT NULL,
    developer_id VARCHAR,
    total_suggestions INTEGER,
    total_acceptances INTEGER,
    total_lines_suggested INTEGER,
    total_lines_accepted INTEGER,
    total_active_users INTEGER,
    language_breakdown JSON,
    created_at TIMESTAMPTZ NOT NULL,
    organisation VARCHAR,
    ai_credits_used DOUBLE,
    payload JSON
);

CREATE TABLE raw_vendor_usage (
    vendor VARCHAR NOT NULL,
    usage_date DATE NOT NULL,
    actor VARCHAR,
    model VARCHAR,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_5m_tokens BIGINT,
    cache_write_1h_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    cost_usd DECIMAL(18, 9),
    payload JSON,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE raw_rate_limits (
    agent VARCHAR NOT NULL,
    developer_id VARCHAR,
    account VARCHAR,
    "window" VARCHAR,
    used_percentage DOUBLE,
    resets_at TIMESTAMPTZ,
    observed_at TIMESTAMPTZ NOT NULL,
    source VARCHAR
);

-- Typed facts whose raw rows retention has taken; `kind` names the staging model they belong to.
CREATE TABLE raw_fact_archive (
    kind VARCHAR NOT NULL,
    record_key VARCHAR NOT NULL,
    occurred_at TIMESTAMPTZ,
    fact JSON NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL
);
