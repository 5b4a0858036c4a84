with

increments as (

    {% for agent in ['claude_code', 'gemini_cli'] %}
    select
        '{{ agent }}' as agent,
        *
    from {{ ref('stg_' ~ agent ~ '__metrics') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

names as (

    select * from {{ ref('int_model_names') }}

),

joined as (

    select
        increments.agent,
        increments.metric_name,
        sessions.session_key,
        increments.session_id,
        {{ identified_developer('increments') }} as developer_id,
        {{ project_of('increments') }} as project_id,
        names.model,
        increments.type,
        increments.decision,
        increments.increment,
        increments.started_at,
        increments.measured_at,
        {{ usage_date('increments.measured_at') }} as measured_date
    from increments
    left join names on increments.model_reported = names.model_reported
    {{ with_context('increments') }}

)

select * from joined
