with

commits as (

    select * from {{ ref('int_commits_with_agent_context') }}

),

shares as (

    select
        commit_key,
        sum(cost_share_usd) as cost_usd,
        {{ sum_bigint('attributed_lines') }} as ai_lines
    from {{ ref('int_commit_cost_shares') }}
    group by commit_key

),

-- Lines that a note gives to a session we know nothing else of are an agent's all the same.
noted as (

    select
        commit_key,
        {{ sum_bigint('lines') }} as ai_lines
    from {{ ref('int_commit_notes') }}
    group by commit_key

),

files as (

    select
        commit_hash,
        {{ sum_bigint('effective_lines_added') }} as effective_lines_added
    from {{ ref('stg_git_commit_files') }}
    where not is_excluded
    group by commit_hash

),

told_files as (

    select distinct commit_hash from {{ ref('stg_git_commit_files') }}

),

origins as (

    select * from {{ ref('int_commit_references') }}

),

reverts as (

    select * from {{ ref('int_commit_reverts') }}

),

survival as (

    select
        commit_hash,
        max(case when age_days = 14 then lines_alive end) as survived_14d,
        max(case when age_days = 30 then lines_alive end) as survived_30d,
        max(case when age_days = 90 then lines_alive end) as survived_90d
    from {{ ref('stg_git_line_survival') }}
    group by commit_hash

),

final as (

    select
        commits.commit_key,
        commits.commit_hash,
        commits.repository,
        commits.project_id,
        commits.developer_id,
        commits.branch,
        commits.agent,
        commits.session_key,
        commits.session_id,
        commits.attribution_tier,
        origins.ticket,
        origins.pull_request,
        commits.files_changed,
        commits.lines_added,
        commits.lines_deleted,
        case
            when told_files.commit_hash is not null and not coalesce(commits.is_merge, false)
                then coalesce(files.effective_lines_added, 0)
        end as effective_lines_added,
        case
            when commits.attribution_tier = 'note' then coalesce(noted.ai_lines, shares.ai_lines)
            else coalesce(shares.ai_lines, noted.ai_lines)
        end as ai_lines,
        survival.survived_14d,
        survival.survived_30d,
        survival.survived_90d,
        commits.attribution_confidence,
        {{ usd('shares.cost_usd') }} as cost_usd,
        commits.is_merge,
        commits.agent_assisted,
        reverts.commit_key is not null as is_reverted,
        commits.committed_at,
        commits.committed_date
    from commits
    left join shares on commits.commit_key = shares.commit_key
    left join noted on commits.commit_key = noted.commit_key
    left join files on commits.commit_hash = files.commit_hash
    left join told_files on commits.commit_hash = told_files.commit_hash
    left join origins on commits.commit_key = origins.commit_key
    left join reverts on commits.commit_key = reverts.commit_key
    left join survival on commits.commit_hash = survival.commit_hash

)

select * from final
