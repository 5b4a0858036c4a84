with

settings as (

    select * from {{ source('raw', 'raw_settings') }}

),

ranked as (

    select
        name,
        value,
        row_number() over (partition by name order by changed_at desc, value asc) as newest_first
    from settings

),

pivoted as (

    select
        coalesce(max(case when name = 'time_zone' then value end), 'UTC') as time_zone,
        max(case when name = 'project_id' then value end) as project_id,
        coalesce(max(
            case when name = 'day_rollover_hour' then {{ cast_or_null('value', 'bigint') }} end
        ), 0) as day_rollover_hour,
        coalesce(max(
            case when name = 'git.correlation_window' then {{ cast_or_null('value', 'bigint') }} end
        ), 300) as correlation_window_s,
        {% for setting in ['hourly_rate_usd', 'hours_saved_low', 'hours_saved_high'] %}
        max(
            case
                when name = 'roi.{{ setting }}' then {{ cast_or_null('value', 'decimal(18, 9)') }}
            end
        ) as {{ setting }},
        {% endfor %}
        coalesce(
            max(case when name = 'git.ticket_pattern' then value end),
            '{{ default_ticket_pattern() }}'
        ) as ticket_pattern
    from ranked
    where newest_first = 1

)

select * from pivoted
