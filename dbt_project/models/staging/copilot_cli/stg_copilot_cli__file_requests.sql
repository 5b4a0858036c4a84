with

records as (

    select
        *,
        coalesce(nullif(source_session_id, ''), session_id) as booked_session_id
    from {{ ref('stg_copilot_cli__changed_session_records') }}
    where kind = 'request' and request_id <> ''

),

-- A local model server may give one id to several answers. A copy keeps its number (1.0.102), or
-- where it has none its time.
placed as (

    select
        *,
        dense_rank() over (
            partition by booked_session_id, request_id
            order by
                sequence,
                case when sequence is null then occurred_at end,
                input_tokens,
                output_tokens
        ) as place
    from records

),

ranked as (

    select
        *,
        min(created_at) over (partition by booked_session_id, request_id, place)
            as first_created_at,
        row_number() over (
            partition by booked_session_id, request_id, place
            order by
                session_id = booked_session_id desc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from placed

),

requests as (

    select
        'copilot_cli:' || booked_session_id || ':' || request_id
        || case when place > 1 then '#' || cast(place as varchar) else '' end as request_key,
        request_id,
        booked_session_id as session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        git_branch,
        model as model_reported,
        cast(null as varchar) as service_tier,
        initiator as query_source,
        cast(null as varchar) as subagent,
        effort,
        agent_version,
        -- What GitHub bills are credits; with a key of one's own the model's vendor does. What
        -- `cost` counts the file does not say (1.0.102): it is not taken for dollars.
        case when is_byok then 'api' when not is_byok then 'credits' else 'unknown' end
            as billing_mode,
        {{ hashed([
            'booked_session_id', 'input_tokens', 'coalesce(cache_read_tokens, 0)', 'output_tokens',
        ]) }} as tokens_key,
        {{ uncached('input_tokens', ['cache_read_tokens', 'cache_write_tokens']) }}
            as input_tokens,
        cache_read_tokens,
        cache_write_tokens as cache_write_5m_tokens,
        cast(0 as bigint) as cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        duration_ms,
        ttft_ms,
        coalesce(is_sidechain, false) as is_subagent,
        occurred_at as requested_at,
        first_created_at as created_at
    from ranked
    where best_first = 1

)

select * from requests
