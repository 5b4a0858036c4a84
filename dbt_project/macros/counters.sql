{#-
    The whole of a model: what each point of a counter adds to its series, by the point's own
    temporality. `points` has series_key, temporality, started_at, measured_at, metric_name,
    session_id, developer_id, model, type, value and, of those agents that tell them, more.
-#}
{% macro counter_increments(points, repository='null', machine='null', decision='null') -%}
with

points as (

    select * from {{ points }}
    where value is not null

),

-- A point is one of its series, start and time: sent again it is the same point. All else but the
-- value and who sent it is equal then.
unique_points as (

    select
        series_key,
        coalesce(temporality, 'delta') as temporality,
        started_at,
        measured_at,
        max(metric_name) as metric_name,
        max(session_id) as session_id,
        {{ named_developer() }} as developer_id,
        cast({{ repository }} as varchar) as repository,
        cast({{ machine }} as varchar) as machine,
        max(model) as model_reported,
        max(type) as type,
        cast({{ decision }} as varchar) as decision,
        max(value) as value
    from points
    group by series_key, coalesce(temporality, 'delta'), started_at, measured_at

),

-- What a cumulative point adds to the one before it of the same run. A smaller value than the one
-- before is a counter that began again without saying so: all of it is new.
compared as (

    select
        *,
        lag(value, 1, 0) over (
            partition by series_key, started_at order by measured_at
        ) as previous_value
    from unique_points
    where temporality = 'cumulative'

),

increments as (

    select
        * exclude (previous_value),
        case when value >= previous_value then value - previous_value else value end as increment
    from compared
    union all
    select
        *,
        value as increment
    from unique_points
    where temporality <> 'cumulative'

),

typed as (

    select
        {{ counter_run() }} as run_key,
        metric_name,
        session_id,
        developer_id,
        repository,
        machine,
        model_reported,
        type,
        decision,
        value,
        increment,
        started_at,
        measured_at
    from increments

)

select * from typed
{%- endmacro %}


{#- The run of a counter that a point is of: what its points are compared within. -#}
{% macro counter_run() -%}
    {{ digest_text('series_key') }} || '|' || coalesce(cast({{ microseconds('started_at') }} as varchar), '')
{%- endmacro %}
