-- Facts whose raw rows retention has taken: no older version wrote the table. A key is looked up by
-- the record's own time and arrival, as in the raw tables, and facts by their session.
ALTER TABLE raw_fact_archive ALTER record_key TYPE UUID;
ALTER TABLE raw_fact_archive ADD COLUMN session_id VARCHAR;
ALTER TABLE raw_fact_archive ADD COLUMN created_at TIMESTAMPTZ;
-- Whether the run made every model that reads what retention takes; of older runs nobody knows.
ALTER TABLE dbt_runs ADD COLUMN has_read_raw BOOLEAN;
