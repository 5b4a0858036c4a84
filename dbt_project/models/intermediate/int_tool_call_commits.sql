-- Commits that an agent's own tool result names, by full or short SHA, followed through rewrites.
with

tool_calls as (

    select * from {{ ref('int_tool_calls') }}
    where length(git_commit_id) >= 7 and coalesce(success, true)

),

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

rewrites as (

    select * from {{ ref('int_commit_rewrites') }}

),

-- Every hash under which a commit was ever known.
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
    inner join rewrites
        on
            commits.commit_hash = rewrites.new_hash
            and coalesce(commits.repository, rewrites.repository, '')
            = coalesce(rewrites.repository, commits.repository, '')

),

matched as (

    select
        tool_calls.tool_call_key,
        tool_calls.session_key,
        tool_calls.session_id,
        tool_calls.agent,
        tool_calls.called_at,
        known_hashes.commit_key,
        min(known_hashes.known_hash) over (partition by tool_calls.tool_call_key) as lowest_hash,
        max(known_hashes.known_hash) over (partition by tool_calls.tool_call_key) as highest_hash
    from tool_calls
    inner join known_hashes
        on
            left(tool_calls.git_commit_id, 7) = left(known_hashes.known_hash, 7)
            and known_hashes.known_hash like tool_calls.git_commit_id || '%'
            and (
                tool_calls.repository = known_hashes.repository
                or tool_calls.repository is null
                or known_hashes.repository is null
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
