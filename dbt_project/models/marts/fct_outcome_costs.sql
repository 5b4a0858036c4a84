with

costs as (

    select * from {{ ref('int_outcome_costs') }}

),

final as (

    select
        outcome_key,
        session_key,
        session_id,
        agent,
        developer_id,
        project_id,
        repository,
        linkage,
        yield_class,
        cast(commits as bigint) as commits,
        lines_written,
        lines_committed,
        {{ usd('cost_usd') }} as cost_usd,
        usage_date
    from costs

)

select * from final
