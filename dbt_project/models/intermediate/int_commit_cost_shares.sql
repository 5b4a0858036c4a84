-- A session's cost split over its commits by the lines it wrote in each, equally where those are
-- not known of all; what is but a copy of another commit bears nothing. The first bears what
-- rounding leaves over, so that the shares add up to the session.
-- A table: three models read it.
{{ config(materialized='table') }}

with

links as (

    select
        links.*,
        -- Where all are copies (of commits of others), none is.
        outcomes.is_copy
        and min(case when outcomes.is_copy then 1 else 0 end)
            over (partition by links.session_key)
        = 0 as is_copy
    from {{ ref('int_commit_sessions') }} as links
    inner join {{ ref('int_commit_outcomes') }} as outcomes
        on links.commit_key = outcomes.commit_key

),

counted as (

    select
        *,
        case when is_copy then 0 else 1 end as wholes,
        case when is_copy then 0 else attributed_lines end as lines
    from links

),

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

weighed as (

    select
        links.commit_key,
        links.session_key,
        links.commit_hash,
        links.repository,
        links.attribution_tier,
        links.attributed_lines,
        sessions.session_id,
        sessions.agent,
        sessions.cost_usd,
        case
            when
                count(links.lines) over by_session = count(*) over by_session
                and sum(links.lines) over by_session > 0
                then links.lines * 1.0 / sum(links.lines) over by_session
            else links.wholes * 1.0 / sum(links.wholes) over by_session
        end as share,
        row_number() over (
            partition by links.session_key order by links.wholes desc, links.commit_key asc
        ) as position
    from counted as links
    inner join sessions on links.session_key = sessions.session_key
    window by_session as (partition by links.session_key)

),

split as (

    select
        *,
        cast(round(cost_usd * share, 9) as decimal(18, 9)) as rounded_share_usd
    from weighed

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
        attributed_lines,
        cast(
            case
                when position = 1
                    then
                        cost_usd
                        - sum(rounded_share_usd) over (partition by session_key)
                        + rounded_share_usd
                else rounded_share_usd
            end as decimal(18, 9)
        ) as cost_share_usd
    from split

)

select * from shares
