-- Facts from git. Which agent made a commit is decided in dbt, never here:
-- agent_assisted, agent_session_id and agent_type are what a client claimed, NULL from our hook.

CREATE TABLE raw_git_commits (
    id BIGINT NOT NULL,
    commit_hash VARCHAR NOT NULL,
    commit_message VARCHAR,
    author_name VARCHAR,
    author_email VARCHAR,
    commit_timestamp TIMESTAMPTZ NOT NULL,
    files_changed INTEGER,
    lines_added INTEGER,
    lines_deleted INTEGER,
    agent_assisted BOOLEAN,
    agent_session_id VARCHAR,
    agent_type VARCHAR,
    developer_id VARCHAR,
    project_id VARCHAR,
    created_at TIMESTAMPTZ NOT NULL,
    authored_at TIMESTAMPTZ,
    repository VARCHAR,
    branch VARCHAR,
    parent_hashes VARCHAR[],
    is_merge BOOLEAN,
    patch_id VARCHAR,
    trailers JSON,
    recorded_by VARCHAR,
    batch_id BIGINT
);

CREATE TABLE raw_git_commit_files (
    repository VARCHAR,
    commit_hash VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    old_path VARCHAR,
    lines_added INTEGER,
    lines_deleted INTEGER,
    is_binary BOOLEAN,
    is_excluded BOOLEAN,
    added_line_hashes VARCHAR[]
);

CREATE TABLE raw_git_rewrites (
    repository VARCHAR,
    old_hash VARCHAR NOT NULL,
    new_hash VARCHAR NOT NULL,
    kind VARCHAR,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE raw_git_line_survival (
    repository VARCHAR,
    commit_hash VARCHAR NOT NULL,
    age_days INTEGER,
    lines_alive INTEGER,
    lines_at_start INTEGER,
    measured_at TIMESTAMPTZ NOT NULL
);
