-- Commits that an agent's own tool calls name, by full or short SHA, followed to what became of
-- them.
with

tool_calls as (

    select * from {{ ref('int_tool_calls') }}

),

reported as (

    select * from {{ ref('stg_agent_reported_commits') }}

),

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

recorded as (

    select * from {{ ref('stg_git_commits') }}

),

rewrites as (

    select * from {{ ref('int_commit_rewrites') }}

),

-- Every hash under which the work of a commit was ever known. A cherry-pick and a rebase that no
-- hook saw leave the patch as it was.
known_hashes as (

    select
        commit_key,
        repository,
        commit_hash as known_hash
    from commits
    union
    select
        commits.commit_key,
        commits.repository,
        rewrites.old_hash as known_hash
    from commits
    inner join rewrites on commits.commit_hash = rewrites.new_hash
    union
    select
        commits.commit_key,
        commits.repository,
        recorded.commit_hash as known_hash
    from commits
    inner join recorded
        on
            commits.patch_id = recorded.patch_id
            and commits.repository = recorded.repository
            and commits.committed_at >= recorded.committed_at

),

-- When it was committed is known of those that were recorded under that hash themselves.
dated_hashes as (

    select
        known_hashes.*,
        recorded.committed_at as known_at
    from known_hashes
    left join recorded on known_hashes.known_hash = recorded.commit_hash

),

-- A full SHA is unique in the world, and a clone may have another origin. A commit and the tool
-- result of it lie minutes apart: what a tool shows of a log was committed by somebody else.
matched as (

    select
        tool_calls.session_key,
        tool_calls.session_id,
        tool_calls.agent,
        tool_calls.called_at,
        dated_hashes.commit_key,
        min(dated_hashes.known_hash)
            over (partition by reported.tool_call_key, reported.git_commit_id)
            as lowest_hash,
        max(dated_hashes.known_hash)
            over (partition by reported.tool_call_key, reported.git_commit_id)
            as highest_hash
    from reported
    inner join tool_calls on reported.tool_call_key = tool_calls.tool_call_key
    inner join dated_hashes
        on
            left(reported.git_commit_id, 7) = left(dated_hashes.known_hash, 7)
            and reported.git_commit_id
            = left(dated_hashes.known_hash, length(reported.git_commit_id))
            and (
                reported.git_commit_id = dated_hashes.known_hash
                or {{ may_be_same_repository('tool_calls', 'dated_hashes') }}
            )
            and (
                dated_hashes.known_at is null
                or (
                    {{ add_seconds('dated_hashes.known_at', 3600) }} >= tool_calls.called_at
                    and {{ add_seconds('tool_calls.called_at', 3600) }} >= dated_hashes.known_at
                )
            )

),

-- A short SHA that fits two commits names none.
claims as (

    select distinct
        commit_key,
        session_key,
        session_id,
        agent,
        min(called_at) over (partition by commit_key, session_key, agent) as claimed_at
    from matched
    where lowest_hash = highest_hash

)

select * from claims
