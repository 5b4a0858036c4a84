-- The tokens of a session's requests that its metrics must have seen: those asked before the last
-- metric came and not before the counters began.
with

metered as (

    select
        session_key,
        min(measured_from) as measured_from,
        max(measured_at) as measured_at
    from {{ ref('int_spend_by_metrics') }}
    group by session_key

),

requests as (

    select
        *,
        {{ add_seconds('requested_at', '60') }} as counted_from
    from {{ ref('int_agent_requests') }}
    where not is_error

),

-- A counter begins when the first answer is over.
sessions as (

    select
        requests.session_key,
        {{ sum_bigint('case when requests.requested_at > metered.measured_at then 1 else 0 end') }}
            as later_requests,
        {{ sum_bigint(
            'case when requests.counted_from < metered.measured_from then 1 else 0 end'
        ) }} as earlier_requests,
        {{ sum_bigint(
            'case when requests.requested_at <= metered.measured_at '
            ~ 'and requests.counted_from >= metered.measured_from '
            ~ 'then coalesce(requests.total_tokens, 0) else 0 end'
        ) }} as metered_tokens
    from requests
    inner join metered on requests.session_key = metered.session_key
    group by requests.session_key

)

select * from sessions
