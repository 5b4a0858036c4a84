-- What agents say of their limits travels with their session records and is stored here, once. An
-- older file has Codex's readings among the session records, where no model looked for them.
ALTER TABLE raw_rate_limits ADD COLUMN record_key UUID;
ALTER TABLE raw_rate_limits ADD COLUMN batch_id BIGINT;
ALTER TABLE raw_rate_limits ADD COLUMN session_id VARCHAR;
ALTER TABLE raw_rate_limits ADD COLUMN window_minutes BIGINT;
ALTER TABLE raw_rate_limits ADD COLUMN limit_id VARCHAR;
ALTER TABLE raw_rate_limits ADD COLUMN plan_type VARCHAR;
-- Where the agent tells no time of the reset but how long it is until then.
ALTER TABLE raw_rate_limits ADD COLUMN resets_in_seconds DOUBLE;
ALTER TABLE raw_rate_limits ADD COLUMN created_at TIMESTAMPTZ;

INSERT INTO raw_rate_limits BY NAME
SELECT
    agent,
    session_id,
    developer_id,
    record_key,
    batch_id,
    created_at,
    "timestamp" AS observed_at,
    CASE
        WHEN TRY_CAST(payload ->> 'window_minutes' AS BIGINT) IN (299, 300) THEN 'five_hour'
        WHEN TRY_CAST(payload ->> 'window_minutes' AS BIGINT) IN (10079, 10080) THEN 'seven_day'
        ELSE payload ->> 'window'
    END AS "window",
    TRY_CAST(payload ->> 'used_percent' AS DOUBLE) AS used_percentage,
    coalesce(
        to_timestamp(TRY_CAST(payload ->> 'resets_at' AS DOUBLE)),
        TRY_CAST(payload ->> 'resets_at' AS TIMESTAMPTZ)
    ) AS resets_at,
    TRY_CAST(payload ->> 'resets_in_seconds' AS DOUBLE) AS resets_in_seconds,
    TRY_CAST(payload ->> 'window_minutes' AS BIGINT) AS window_minutes,
    payload ->> 'limit_id' AS limit_id,
    payload ->> 'plan_type' AS plan_type,
    'session_file' AS source
FROM raw_agent_session_records
WHERE kind = 'rate_limit' AND "timestamp" IS NOT NULL;

DELETE FROM raw_agent_session_records WHERE kind = 'rate_limit';
