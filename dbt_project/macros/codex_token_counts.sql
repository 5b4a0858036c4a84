{#- What each answer added to the sums of its Codex session: the whole of a model. -#}
{% macro codex_token_counts(records) -%}
{% set classes = {
    'input_tokens': 'input_tokens',
    'cached_input_tokens': 'cache_read_tokens',
    'cache_write_input_tokens': 'cache_write_tokens',
    'output_tokens': 'output_tokens',
    'reasoning_output_tokens': 'reasoning_tokens',
} %}

with

-- What was before a fork or a sub-agent began is a copy of its original's.
records as (

    select
        *,
        coalesce(
            forked_from <> ''
            and occurred_at <= min(case when kind = 'session' then occurred_at end) over (
                partition by session_id
            ),
            false
        ) as is_copied
    from {{ records }}
    where kind in ('session', 'token_count')

),

-- The sums of a session, told after each request and again when there is nothing new.
sums as (

    select
        *,
        {% for class in classes %}
        lag(total_{{ class }}) over in_order as previous_{{ class }},
        {% endfor %}
        lag(record_key) over in_order is null as is_first
    from records
    where kind = 'token_count'
    window
        in_order as (
            partition by session_id
            order by
                occurred_at,
                ordinal nulls first,
                coalesce(total_input_tokens, 0) + coalesce(total_output_tokens, 0),
                record_key
        )

),

-- Sums that shrink begin anew, and so do other ones that are the last request's alone. A file may
-- begin in the middle: all that is known then is the last request.
compared as (

    select
        *,
        is_first
        {%- for class in classes %}
        or coalesce(total_{{ class }} < previous_{{ class }}, false)
        {%- endfor %}
        or coalesce(
            total_input_tokens = last_input_tokens
            and total_output_tokens = last_output_tokens
            and total_input_tokens + total_output_tokens
            <> previous_input_tokens + previous_output_tokens,
            false
        ) as is_anew,
        case when is_copied then forked_from else session_id end as thread
    from sums

),

added as (

    select
        record_key,
        thread as session_id,
        turn_id,
        -- What a fork copies keeps its turn and its sums.
        {{ hashed([
            "coalesce(nullif(turn_id, ''), thread)",
            'total_input_tokens', 'total_cached_input_tokens', 'total_output_tokens',
        ]) }} as request_name,
        developer_id,
        repository,
        git_branch,
        agent_version,
        model,
        effort,
        is_copied,
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
    -- A copy tells what its original does not: some versions leave the responses out of it.
    where
        not is_copied
        or not exists (
            select 1 from sums as original
            where
                original.session_id = compared.thread
                and original.total_input_tokens = compared.total_input_tokens
                and original.total_output_tokens = compared.total_output_tokens
        )

),

requests as (

    select * from added
    where coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0

)

select * from requests
{%- endmacro %}
