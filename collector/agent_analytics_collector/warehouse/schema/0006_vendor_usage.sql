-- What vendors' APIs report of a day, until they report it anew. No older version wrote these tables.
ALTER TABLE raw_copilot_metrics ADD COLUMN batch_id BIGINT;
ALTER TABLE raw_vendor_usage ADD COLUMN batch_id BIGINT;
-- Cache writes of lifetimes that the vendor does not tell, so neither of 5 minutes nor of 1 hour.
ALTER TABLE raw_vendor_usage ADD COLUMN cache_write_tokens BIGINT;
ALTER TABLE loader_position ADD COLUMN next_copilot_metrics_id BIGINT DEFAULT 1;
