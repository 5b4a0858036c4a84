with

told as (

    select * from {{ ref('int_limit_windows_told') }}

),

blocks as (

    select * from {{ ref('int_limit_blocks') }}

),

requests as (

    select * from {{ ref('int_agent_requests') }}

),

-- A block counts only while the agent says nothing of its time, and then in place of what it said
-- of the time before.
windows as (

    select
        told.limit_key,
        told.agent,
        told.account,
        told.developer_id,
        told.limit_id,
        told.limit_window,
        told.plan_type,
        told.used_percentage,
        false as estimated,
        told.started_at,
        told.observed_at,
        told.resets_at
    from told
    left join blocks
        on
            told.agent = 'claude_code'
            and told.limit_window = 'five_hour'
            and told.developer_id is not distinct from blocks.developer_id
            and told.resets_at <= blocks.started_at
    where blocks.limit_key is null
    union all
    select
        blocks.limit_key,
        'claude_code' as agent,
        null as account,
        blocks.developer_id,
        null as limit_id,
        'five_hour' as limit_window,
        null as plan_type,
        null as used_percentage,
        true as estimated,
        blocks.started_at,
        blocks.observed_at,
        blocks.resets_at
    from blocks
    left join told
        on
            told.agent = 'claude_code'
            and told.limit_window = 'five_hour'
            -- Nobody's requests are as likely those of whoever told.
            and (blocks.developer_id is null or told.developer_id = blocks.developer_id)
            and told.resets_at > blocks.started_at
    where told.limit_key is null

),

-- No request says which account it was for.
of_several_accounts as (

    select distinct told.limit_key
    from told
    inner join told as others
        on
            told.agent = others.agent
            and told.developer_id is not distinct from others.developer_id
            and told.account <> others.account
            and told.started_at < others.resets_at
            and told.resets_at > others.started_at

),

-- Which requests a limit counts: all of them, those to one family of models, or some that nothing
-- tells from others.
scoped as (

    select
        windows.*,
        case
            when windows.limit_window = 'seven_day_opus' then '%opus%'
            when windows.limit_window = 'seven_day_sonnet' then '%sonnet%'
        end as models,
        windows.started_at is not null
        and several.limit_key is null
        and (windows.limit_id is null or windows.limit_id = windows.agent)
        and (
            windows.agent <> 'claude_code'
            or windows.limit_window in (
                'five_hour', 'seven_day', 'seven_day_opus', 'seven_day_sonnet'
            )
        ) as is_countable
    from windows
    left join of_several_accounts as several on windows.limit_key = several.limit_key

),

-- As far as the reading knows of them: later requests are in no percentage yet.
spent as (

    select
        scoped.limit_key,
        count(*) as requests,
        count(case when requests.cost_usd is null and not requests.is_error then 1 end)
            as unpriced_requests,
        sum(requests.cost_usd) as cost_usd
    from scoped
    inner join requests
        on
            scoped.agent = requests.agent
            and scoped.developer_id is not distinct from requests.developer_id
            and scoped.started_at <= requests.requested_at
            and scoped.observed_at >= requests.requested_at
            and (scoped.models is null or lower(requests.model) like scoped.models)
    where scoped.is_countable
    group by scoped.limit_key

),

measured as (

    select
        scoped.*,
        case when scoped.is_countable then coalesce(spent.requests, 0) end as requests,
        case
            when scoped.is_countable then coalesce(spent.unpriced_requests, 0)
        end as unpriced_requests,
        spent.cost_usd,
        {{ seconds_between('scoped.started_at', 'scoped.observed_at') }} as elapsed_s,
        {{ seconds_between('scoped.started_at', 'scoped.resets_at') }} as length_s
    from scoped
    left join spent on scoped.limit_key = spent.limit_key

),

paced as (

    select
        *,
        case
            when elapsed_s > 0
                then used_percentage / 100 / (least(elapsed_s, length_s) / length_s)
        end as pace,
        case
            when elapsed_s > 0 and used_percentage > 0
                then {{ add_seconds('started_at', 'elapsed_s * 100 / used_percentage') }}
        end as even_pace_ends_at
    from measured

)

select * from paced
