-- What the API takes: commits, rewrites and session records get the key by which a second delivery
-- is recognised. An older file kept every delivery of a commit; staging merged them.
ALTER TABLE raw_git_commits ADD COLUMN record_key UUID;
ALTER TABLE raw_git_rewrites ADD COLUMN record_key UUID;
ALTER TABLE raw_git_rewrites ADD COLUMN batch_id BIGINT;
ALTER TABLE raw_agent_session_records ADD COLUMN repository VARCHAR;
ALTER TABLE loader_position ADD COLUMN next_commit_id BIGINT DEFAULT 1;
