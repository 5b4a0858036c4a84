-- The files of commits, merges left out, as they are told by now.
with

commits as (

    select
        *,
        {{ first_group(
            first_line('commit_message'),
            '(?:^|[^a-z])(fix|fixes|fixed|fixing|bugfix|hotfix|bug)(?:[^a-z]|$)'
        ) }} as fix_word
    from {{ ref('int_commits_in_history') }}
    where not coalesce(is_merge, false)

),

files as (

    select * from {{ ref('stg_git_commit_files') }}

),

joined as (

    select
        commits.commit_key,
        commits.commit_hash,
        commits.repository,
        files.path,
        files.old_path,
        commits.fix_word is not null as is_fix,
        commits.committed_at,
        -- A rebase leaves the author's time as it was.
        case
            when commits.authored_at < commits.committed_at then commits.authored_at
            else commits.committed_at
        end as written_at,
        files.batch_id
    from files
    inner join commits on files.commit_hash = commits.commit_hash

)

select * from joined
