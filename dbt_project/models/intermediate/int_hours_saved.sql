-- What each developer says that agents saved in a month, else what is set for all who were active.
with

settings as (

    select * from {{ ref('stg_settings') }}

),

months as (

    select
        *,
        {{ days_between('month', 'as_of_date') }} + 1 as days
    from {{ ref('int_months') }}

),

surveys as (

    select
        *,
        {{ days_between('period_start', 'period_end') }} + 1 as days
    from {{ ref('stg_surveys') }}
    where developer_id is not null

),

survey_days as (

    select
        surveys.survey_id,
        surveys.developer_id,
        surveys.answered_at,
        surveys.hours_saved_low / surveys.days as hours_low,
        surveys.hours_saved_high / surveys.days as hours_high,
        {{ add_days('surveys.period_start', 'numbers.number') }} as day
    from surveys
    inner join {{ thousand_numbers() }} as numbers on surveys.days > numbers.number

),

-- Of answers about the same day the newest counts.
answered as (

    select
        *,
        row_number() over (
            partition by lower(developer_id), day order by answered_at desc, survey_id asc
        ) as newest_first
    from survey_days

),

answers as (

    select
        months.month,
        min(answered.developer_id) as developer_id,
        count(*) as days,
        sum(answered.hours_low) as hours_low,
        sum(answered.hours_high) as hours_high
    from answered
    inner join months on answered.day between months.month and months.as_of_date
    where answered.newest_first = 1
    group by months.month, lower(answered.developer_id)

),

seen as (

    select
        month,
        developer_id
    from {{ ref('int_spend_paid') }}
    where developer_id is not null
    union
    select
        {{ month_of('started_date') }} as month,
        developer_id
    from {{ ref('fct_agent_sessions') }}
    where developer_id is not null

),

-- Agents and answers may write a name in other letters: nobody's hours count twice.
active as (

    select
        month,
        min(developer_id) as developer_id
    from seen
    group by month, lower(developer_id)

),

joined as (

    select
        coalesce(active.month, answers.month) as month,
        coalesce(active.developer_id, answers.developer_id) as developer_id,
        months.days,
        coalesce(answers.days, case when settings.hours_saved_low is not null then months.days end)
            as known_days,
        coalesce(answers.hours_low, settings.hours_saved_low * months.days / 7) as hours_low,
        coalesce(answers.hours_high, settings.hours_saved_high * months.days / 7) as hours_high,
        case
            when answers.developer_id is not null then 'survey'
            when settings.hours_saved_low is not null then 'setting'
        end as hours_source
    from active
    full outer join answers
        on
            active.month = answers.month
            and lower(active.developer_id) = lower(answers.developer_id)
    inner join months on coalesce(active.month, answers.month) = months.month
    cross join settings

)

select * from joined
