-- A table: four models read it.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set measures = [
    'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'cost_usd',
] %}

with

metrics as (

    select * from {{ ref('int_spend_by_metrics') }}
    where {{ changed_key() }}

),

measured as (

    select
        session_key,
        min(measured_from) as measured_from,
        max(measured_at) as last_measured_at
    from metrics
    group by session_key

),

-- What was asked after the last metric came, no metric has seen; nor what session files tell of the
-- time before telemetry was switched on. A counter begins when the first answer is over.
requests as (

    select
        requests.*,
        coalesce(requests.cache_write_5m_tokens, 0) + coalesce(requests.cache_write_1h_tokens, 0)
            as cache_write_tokens
    from {{ ref('int_agent_requests') }} as requests
    inner join measured on requests.session_key = measured.session_key
    where
        {{ changed('requests.session_id') }}
        and not requests.is_error
        and requests.requested_at <= measured.last_measured_at
        and (
            requests.seen_in <> 'session_file'
            or {{ add_seconds('requests.requested_at', '60') }} >= measured.measured_from
        )

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

-- The lowest tier: how large the requests were nobody knows.
prices as (

    select * from {{ ref('int_prices_by_period') }}
    where service_tier = 'standard' and tier_from_tokens = 0

),

sessions_without_cost as (

    select
        session_key,
        max(measured_at) as measured_at
    from metrics
    where not tells_cost
    group by session_key

),

both_sides as (

    select
        session_key,
        model,
        1 as in_metrics,
        0 as in_events,
        {{ measures | join(',\n        ') }}
    from metrics
    union all
    select
        session_key,
        model,
        0 as in_metrics,
        1 as in_events,
        -coalesce(input_tokens, 0) as input_tokens,
        -coalesce(cache_read_tokens, 0) as cache_read_tokens,
        -cache_write_tokens as cache_write_tokens,
        -coalesce(output_tokens, 0) as output_tokens,
        -coalesce(cost_usd, 0) as cost_usd
    from requests

),

by_model as (

    select
        session_key,
        model,
        {% for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {% endfor %}
        sum(in_events) as requests,
        max(in_metrics) as in_metrics,
        max(in_events) as in_events
    from both_sides
    group by session_key, model

),

-- Models that both name are compared by name. Where events name one that the metrics do not, it
-- cannot be matched (an alias served by another model): what only one side names is compared
-- together then.
matching as (

    select
        session_key,
        max(in_events - in_metrics) as event_only_models,
        sum(in_metrics * (1 - in_events)) as metric_only_models,
        min(case when in_metrics > in_events then model end) as metric_only_model
    from by_model
    group by session_key

),

comparable as (

    select
        by_model.*,
        case
            when by_model.in_metrics = by_model.in_events then by_model.model
            when matching.event_only_models < 1 then by_model.model
            when matching.metric_only_models = 1 then matching.metric_only_model
        end as compared_model
    from by_model
    inner join matching on by_model.session_key = matching.session_key

),

compared as (

    select
        session_key,
        {% for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {% endfor %}
        {{ sum_bigint('requests') }} as requests,
        compared_model as model
    from comparable
    group by session_key, compared_model

),

-- Of agents whose metrics tell tokens and no cost, the price that was known then and valid.
priced as (

    select
        compared.session_key,
        compared.model,
        prices.input,
        prices.cache_read,
        prices.cache_write_5m,
        prices.output,
        row_number() over (
            partition by compared.session_key, compared.model
            order by
                case when prices.origin = 'user' then 0 else 1 end asc,
                prices.valid_from desc nulls last
        ) as best_first
    from compared
    inner join sessions_without_cost as untold on compared.session_key = untold.session_key
    inner join prices
        on
            compared.model = prices.model
            and untold.measured_at >= prices.seen_from
            and (untold.measured_at < prices.seen_to or prices.seen_to is null)
            and (
                {{ utc_date('untold.measured_at') }} >= prices.valid_from
                or prices.valid_from is null
            )
            and ({{ utc_date('untold.measured_at') }} < prices.valid_to or prices.valid_to is null)

),

positive as (

    select
        compared.session_key,
        compared.model,
        compared.requests,
        {% for measure in measures if measure != 'cost_usd' %}
        cast(case when compared.{{ measure }} > 0 then compared.{{ measure }} else 0 end as bigint)
            as {{ measure }},
        {% endfor %}
        compared.cost_usd,
        untold.session_key is null as tells_cost,
        priced.input,
        priced.cache_read,
        priced.cache_write_5m,
        priced.output
    from compared
    left join sessions_without_cost as untold on compared.session_key = untold.session_key
    left join priced
        on
            compared.session_key = priced.session_key
            and compared.model = priced.model
            and priced.best_first = 1

),

-- Only once the session has been quiet for ten minutes: metrics come up to a minute after events.
-- Less than a micro-dollar is the noise of added doubles, no spend; nor is one for each request,
-- because a cost sent as micros alone is rounded.
remainders as (

    select
        positive.session_key || '|' || coalesce(positive.model, '') as remainder_key,
        positive.session_key,
        positive.model,
        positive.input_tokens,
        positive.cache_read_tokens,
        positive.cache_write_tokens,
        positive.output_tokens,
        case
            when positive.tells_cost then {{ usd('positive.cost_usd') }}
            else {{ usd(
                usd_for_tokens('positive.input_tokens', 'positive.input')
                ~ '\n+ ' ~ usd_for_tokens('positive.cache_read_tokens', 'positive.cache_read')
                ~ '\n+ ' ~ usd_for_tokens('positive.cache_write_tokens', 'positive.cache_write_5m')
                ~ '\n+ ' ~ usd_for_tokens('positive.output_tokens', 'positive.output')
            ) }}
        end as cost_usd,
        sessions.ended_at as booked_at
    from positive
    inner join sessions on positive.session_key = sessions.session_key
    where
        (
            (positive.tells_cost and positive.cost_usd >= 0.000001 * (1 + positive.requests))
            or (
                not positive.tells_cost
                and positive.input_tokens
                + positive.cache_read_tokens
                + positive.cache_write_tokens
                + positive.output_tokens > 0
            )
        )
        and {{ add_seconds('sessions.last_seen_at', '600') }} <= {{ now_utc() }}

)

select * from remainders
