-- Which lines of a commit which session wrote: same file, same line, written from 21 days before
-- to 2 days after the commit (the vendor's own rule, code.claude.com/docs/en/analytics, 2026-11).
-- A line is given to the session that wrote it last before the commit. What was committed and taken
-- out again since, the session did not write for this commit: a revert or somebody brings it back.
{{ config(materialized='table') }}

with

commit_lines as (

    select * from {{ ref('int_commit_lines') }}

),

session_lines as (

    select * from {{ ref('int_session_lines') }}
    where added > 0

),

-- The same lines in the same file of another repository are no evidence. Where the session's is
-- unknown, the whole path tells, if the commit's is known by its folder. Apart, because engines
-- join by what must be equal: together they would compare every two files that share a line.
pairs as (

    {% for same in [
        'commit_lines.repository = session_lines.repository',
        "session_lines.repository is null"
        " and session_lines.file_path = commit_lines.repository || '/' || commit_lines.path",
    ] %}
    select
        commit_lines.commit_key,
        commit_lines.path,
        commit_lines.line_hash,
        commit_lines.added,
        commit_lines.weight,
        commit_lines.committed_at,
        session_lines.session_key,
        session_lines.file_path,
        session_lines.added as written,
        session_lines.edited_at
    from commit_lines
    inner join session_lines
        on
            commit_lines.line_hash = session_lines.line_hash
            and {{ same }}
            and (
                {{ is_same_file('session_lines.file_path', 'commit_lines.path') }}
                or {{ is_same_file('session_lines.file_path', 'commit_lines.old_path') }}
            )
            and {{ add_seconds('session_lines.edited_at', 21 * 86400) }} >= commit_lines.written_at
            and session_lines.edited_at <= {{ add_seconds('commit_lines.committed_at', 2 * 86400) }}
            and (
                commit_lines.removed_at is null
                or session_lines.edited_at > commit_lines.removed_at
            )
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

candidates as (

    select
        commit_key,
        path,
        line_hash,
        added,
        weight,
        session_key,
        file_path,
        sum(written) as written,
        -- Commits have whole seconds.
        max(
            case when edited_at < {{ add_seconds('committed_at', 1) }} then edited_at end
        ) as last_before_at,
        min(edited_at) as first_at
    from pairs
    group by commit_key, path, line_hash, added, weight, session_key, file_path

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
        weight,
        case when written < added then written else added end as lines
    from ranked
    where likeliest = 1

)

select * from matches
