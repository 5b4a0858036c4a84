{% set classes = {
    'input_tokens': 'input_tokens',
    'cached_input_tokens': 'cache_read_tokens',
    'cache_write_input_tokens': 'cache_write_tokens',
    'output_tokens': 'output_tokens',
    'reasoning_output_tokens': 'reasoning_tokens',
} %}

with

-- The sums of a session, told after each request and again when there is nothing new.
sums as (

    select
        *,
        {% for class in classes %}
        lag(total_{{ class }}) over in_order as previous_{{ class }},
        {% endfor %}
        lag(record_key) over in_order is null as is_first
    from {{ ref('stg_codex__session_records') }}
    where kind = 'token_count'
    window
        in_order as (
            partition by session_id order by occurred_at, ordinal nulls first, record_key
        )

),

-- Sums that shrink begin anew, and a file may begin in the middle: all that is known then is the
-- last request.
compared as (

    select
        *,
        is_first
        {%- for class in classes %}
        or coalesce(total_{{ class }} < previous_{{ class }}, false)
        {%- endfor %} as is_anew
    from sums

),

added as (

    select
        record_key,
        session_id,
        turn_id,
        forked_from,
        -- What a fork copies keeps its turn and its sums.
        {{ hashed([
            "coalesce(nullif(turn_id, ''), nullif(forked_from, ''), session_id)",
            'total_input_tokens', 'total_cached_input_tokens', 'total_output_tokens',
        ]) }} as request_name,
        developer_id,
        repository,
        git_branch,
        agent_version,
        model,
        effort,
        is_sidechain,
        {% for class, name in classes.items() %}
        cast(case
            when is_anew then coalesce(last_{{ class }}, total_{{ class }})
            else total_{{ class }} - coalesce(previous_{{ class }}, 0)
        end as bigint) as {{ name }},
        {% endfor %}
        occurred_at,
        created_at
    from compared

),

requests as (

    select * from added
    where coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0

)

select * from requests
