-- Which lines of a commit which session wrote: same file, same line, written from 21 days before
-- to 2 days after the commit (the vendor's own rule, code.claude.com/docs/en/analytics, 2026-11).
-- A line is given to the session that wrote it last before the commit. What was committed and taken
-- out again since, the session did not write for this commit: a revert or somebody brings it back.
{{ config(materialized='incremental', incremental_strategy='by_match', on_schema_change='fail') }}

{% set changed = ref('int_rematched_commits') %}

with

commit_lines as (

    select * from {{ ref('int_commit_lines') }}
    where {{ of_commits(changed) }}

),

session_lines as (

    select * from {{ ref('int_session_lines') }}
    where added > 0

),

pairs as (

    {{ lines_of_both('commit_lines', 'session_lines', [
        'commit_lines.commit_key', 'commit_lines.path', 'commit_lines.line_hash',
        'commit_lines.added', 'commit_lines.committed_at', 'session_lines.session_key',
        'session_lines.file_path', 'session_lines.added as written', 'session_lines.edited_at',
    ]) }}

),

candidates as (

    select
        commit_key,
        path,
        line_hash,
        added,
        session_key,
        file_path,
        sum(written) as written,
        -- Commits have whole seconds.
        max(
            case when edited_at < {{ add_seconds('committed_at', 1) }} then edited_at end
        ) as last_before_at,
        min(edited_at) as first_at
    from pairs
    group by commit_key, path, line_hash, added, session_key, file_path

),

ranked as (

    select
        *,
        row_number() over (
            partition by commit_key, path, line_hash
            order by last_before_at desc nulls last, first_at asc, session_key asc, file_path asc
        ) as likeliest
    from candidates

),

matches as (

    select
        commit_key,
        session_key,
        path,
        file_path,
        line_hash,
        case when written < added then written else added end as lines
    from ranked
    where likeliest = 1

)

select * from matches
