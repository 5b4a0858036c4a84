-- What commits change line by line, what of it is alive later, and who notes say wrote it. No older
-- version wrote into the first two tables.
ALTER TABLE raw_git_commit_files ADD COLUMN effective_lines_added INTEGER;
ALTER TABLE raw_git_commit_files ADD COLUMN removed_line_hashes VARCHAR[];
-- The commit's time, by which the loader finds what is stored already.
ALTER TABLE raw_git_commit_files ADD COLUMN commit_timestamp TIMESTAMPTZ;
ALTER TABLE raw_git_commit_files ADD COLUMN record_key UUID;
ALTER TABLE raw_git_commit_files ADD COLUMN batch_id BIGINT;
ALTER TABLE raw_git_commit_files ADD COLUMN created_at TIMESTAMPTZ;
ALTER TABLE raw_git_line_survival ADD COLUMN alive_line_hashes VARCHAR[];
ALTER TABLE raw_git_line_survival ADD COLUMN in_default_branch BOOLEAN;
ALTER TABLE raw_git_line_survival ADD COLUMN batch_id BIGINT;
ALTER TABLE raw_git_line_survival ADD COLUMN created_at TIMESTAMPTZ;

-- A line of a git-ai note or of an Agent Trace record: which lines of a file of a commit who wrote.
CREATE TABLE raw_git_attributions (
    repository VARCHAR,
    commit_hash VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    note_id VARCHAR,
    note_version VARCHAR,
    evidence_tier VARCHAR,
    contributor VARCHAR,
    agent VARCHAR,
    agent_session_id VARCHAR,
    model VARCHAR,
    path VARCHAR,
    ranges VARCHAR,
    lines INTEGER,
    developer_id VARCHAR,
    record_key UUID NOT NULL,
    batch_id BIGINT,
    created_at TIMESTAMPTZ NOT NULL
);
