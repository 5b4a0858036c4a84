-- Everything that counts for a day, each fact once: requests, prompts, tool calls, metrics, and
-- what vendors alone report. What names no model (prompts, time) goes to the main model of its
-- session.
{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}

with

requests as (

    select
        *,
        case when cost_source = 'unpriced' and not is_error then 1 else 0 end as unpriced_requests
    from {{ ref('int_agent_requests') }}

),

-- Of how many requests a sum is, Claude's vendor does not say.
vendor_spend as (

    select
        *,
        case
            when cost_source = 'unpriced' then coalesce(requests, 0) else 0
        end as unpriced_requests
    from {{ ref('int_vendor_spend') }}

),

main_models as (

    select
        session_key,
        main_model
    from {{ ref('int_session_requests') }}

),

request_facts as (

    select
        requested_date as usage_date,
        developer_id,
        agent,
        model,
        project_id,
        session_key,
        {%- set values = {
            'requests': 1,
            'cost_usd': 'cost_usd',
            'unpriced_requests': 'unpriced_requests',
        } %}
        {% for class in tokens %}{% do values.update({class: class}) %}{% endfor %}
        {{ usage_measures(values) }}
    from requests

),

prompt_facts as (

    select
        prompts.prompted_date as usage_date,
        prompts.developer_id,
        prompts.agent,
        main_models.main_model as model,
        prompts.project_id,
        prompts.session_key,
        {{ usage_measures({'prompts': 1}) }}
    from {{ ref('int_prompts') }} as prompts
    left join main_models on prompts.session_key = main_models.session_key

),

tool_call_facts as (

    select
        tool_calls.called_date as usage_date,
        tool_calls.developer_id,
        tool_calls.agent,
        coalesce(tool_calls.model, main_models.main_model) as model,
        tool_calls.project_id,
        tool_calls.session_key,
        {{ usage_measures({
            'tool_calls': 1,
            'edits_accepted': 'tool_calls.edits_accepted',
            'edits_rejected': 'tool_calls.edits_rejected',
            'lines_added': 'coalesce(tool_calls.counted_lines_added, 0)',
            'lines_removed': 'coalesce(tool_calls.counted_lines_removed, 0)',
        }) }}
    from {{ ref('int_tool_calls') }} as tool_calls
    left join main_models on tool_calls.session_key = main_models.session_key

),

metric_facts as (

    select
        measured_date as usage_date,
        developer_id,
        agent,
        model,
        project_id,
        session_key,
        {{ usage_measures({
            'edits_accepted': 'edits_accepted',
            'edits_rejected': 'edits_rejected',
            'lines_added': 'lines_added',
            'lines_removed': 'lines_removed',
            'active_seconds': 'active_seconds',
        }) }}
    from {{ ref('int_metric_facts') }}

),

vendor_facts as (

    select
        usage_date,
        developer_id,
        agent,
        model,
        project_id,
        cast(null as varchar) as session_key,
        {%- set values = {
            'requests': 'coalesce(requests, 0)',
            'cost_usd': 'cost_usd',
            'unpriced_requests': 'unpriced_requests',
        } %}
        {% for class in tokens %}{% do values.update({class: class}) %}{% endfor %}
        {{ usage_measures(values) }}
    from vendor_spend

),

unioned as (

    select * from request_facts
    union all
    select * from prompt_facts
    union all
    select * from tool_call_facts
    union all
    select * from metric_facts
    union all
    select * from vendor_facts

)

select * from unioned
