-- depends_on: {{ ref('int_retold_commits') }}
with

shares as (

    select * from {{ ref('int_commit_cost_shares') }}

),

final as (

    select
        commit_key,
        session_key,
        commit_hash,
        repository,
        session_id,
        agent,
        attribution_tier,
        attributed_lines,
        cost_share_usd
    from shares

)

select * from final
