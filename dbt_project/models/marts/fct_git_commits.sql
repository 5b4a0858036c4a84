with

commits as (

    select * from {{ ref('int_commits_with_agent_context') }}

),

shares as (

    select
        commit_key,
        sum(cost_share_usd) as cost_usd
    from {{ ref('int_commit_cost_shares') }}
    group by commit_key

),

-- What needs lines, blame or reverts is unknown as long as nothing measures it.
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
        commits.files_changed,
        commits.lines_added,
        commits.lines_deleted,
        cast(null as bigint) as effective_lines_added,
        cast(null as bigint) as ai_lines,
        cast(null as bigint) as survived_14d,
        cast(null as bigint) as survived_30d,
        cast(null as bigint) as survived_90d,
        commits.attribution_confidence,
        {{ usd('shares.cost_usd') }} as cost_usd,
        commits.is_merge,
        commits.agent_assisted,
        cast(null as boolean) as is_reverted,
        commits.committed_at,
        commits.committed_date
    from commits
    left join shares on commits.commit_key = shares.commit_key

)

select * from final
