-- A session's cost split equally over its commits; the first bears what rounding leaves over, so
-- that the shares add up to the session.
with

links as (

    select * from {{ ref('int_commit_sessions') }}

),

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

counted as (

    select
        links.*,
        sessions.session_id,
        sessions.agent,
        sessions.cost_usd,
        count(*) over (partition by links.session_key) as commits,
        row_number() over (partition by links.session_key order by links.commit_key) as position
    from links
    inner join sessions on links.session_key = sessions.session_key

),

split as (

    select
        *,
        cast(round(cost_usd / commits, 9) as decimal(18, 9)) as equal_share_usd
    from counted

),

shares as (

    select
        commit_key,
        session_key,
        commit_hash,
        repository,
        session_id,
        agent,
        attribution_tier,
        cast(
            case
                when position = 1 then cost_usd - equal_share_usd * (commits - 1)
                else equal_share_usd
            end as decimal(18, 9)
        ) as cost_share_usd
    from split

)

select * from shares
