-- What a session wrote of a commit, file by file, and whether that is evidence: at least 80 % of
-- the file's added lines, or of what the session had written there since the file's last commit,
-- must be the same, weighed by rarity, and together as rare as one line that stands nowhere else.
{{ config(materialized='incremental', incremental_strategy='by_match', on_schema_change='fail') }}

{% set changed = ref('int_rematched_commits') %}

with

matches as (

    select * from {{ ref('int_commit_line_matches') }}
    where {{ of_commits(changed) }}

),

commit_lines as (

    select * from {{ ref('int_commit_lines') }}
    where {{ of_commits(changed) }}

),

session_lines as (

    select * from {{ ref('int_session_lines') }}
    {% if is_by_session_run() %}
    where {{ rows_where(ref('int_session_lines'), 'session_key in (
        select matches.session_key from matches
    )') }}
    {% endif %}

),

weights as (

    select * from {{ ref('int_line_weights') }}

),

matched as (

    select
        matches.commit_key,
        matches.session_key,
        matches.path,
        matches.file_path,
        cast(sum(matches.lines) as bigint) as lines,
        sum(matches.lines * weights.weight) as matched_weight
    from matches
    inner join weights on matches.line_hash = weights.line_hash
    group by matches.commit_key, matches.session_key, matches.path, matches.file_path

),

of_commit as (

    select
        commit_lines.commit_key,
        commit_lines.path,
        min(commit_lines.committed_at) as committed_at,
        min(commit_lines.committed_before_at) as committed_before_at,
        sum(commit_lines.added * weights.weight) as added_weight
    from commit_lines
    inner join weights on commit_lines.line_hash = weights.line_hash
    group by commit_lines.commit_key, commit_lines.path

),

-- What the session added to the file and did not take out again.
kept_lines as (

    select
        matched.commit_key,
        matched.session_key,
        matched.path,
        matched.file_path,
        session_lines.line_hash,
        sum(session_lines.added) - sum(session_lines.removed) as kept
    from matched
    inner join of_commit
        on matched.commit_key = of_commit.commit_key and matched.path = of_commit.path
    inner join session_lines
        on
            matched.session_key = session_lines.session_key
            and matched.file_path = session_lines.file_path
            and session_lines.edited_at < {{ add_seconds('of_commit.committed_at', 1) }}
            and (
                of_commit.committed_before_at is null
                or session_lines.edited_at >= of_commit.committed_before_at
            )
    group by
        matched.commit_key,
        matched.session_key,
        matched.path,
        matched.file_path,
        session_lines.line_hash

),

of_session as (

    select
        kept_lines.commit_key,
        kept_lines.session_key,
        kept_lines.path,
        kept_lines.file_path,
        sum(kept_lines.kept * coalesce(weights.weight, 1)) as written_weight
    from kept_lines
    left join weights on kept_lines.line_hash = weights.line_hash
    where kept_lines.kept > 0
    group by
        kept_lines.commit_key, kept_lines.session_key, kept_lines.path, kept_lines.file_path

),

weighed as (

    select
        matched.commit_key,
        matched.session_key,
        matched.path,
        matched.file_path,
        matched.lines,
        matched.matched_weight >= 0.999
        and (
            matched.matched_weight >= 0.8 * of_commit.added_weight
            or coalesce(matched.matched_weight >= 0.8 * of_session.written_weight, false)
        ) as is_evidence
    from matched
    inner join of_commit
        on matched.commit_key = of_commit.commit_key and matched.path = of_commit.path
    left join of_session
        on
            matched.commit_key = of_session.commit_key
            and matched.session_key = of_session.session_key
            and matched.path = of_session.path
            and matched.file_path = of_session.file_path

)

select * from weighed
