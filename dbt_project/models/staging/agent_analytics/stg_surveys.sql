with

answers as (

    select * from {{ source('raw', 'raw_surveys') }}

),

-- An answer that was delivered twice, or corrected under its own id, counts once.
ranked as (

    select
        *,
        row_number() over (
            partition by survey_id order by answered_at desc, record_key asc
        ) as newest_first
    from answers
    where
        period_start <= period_end
        and hours_saved_low between 0 and hours_saved_high
        and hours_saved_high <= 24.0 * ({{ days_between('period_start', 'period_end') }} + 1)

),

renamed as (

    select
        ranked.survey_id,
        coalesce(identities.developer_id, nullif(ranked.developer_id, '')) as developer_id,
        cast(ranked.helped as bigint) as helped,
        ranked.hours_saved_low,
        ranked.hours_saved_high,
        ranked.answered_at,
        ranked.period_start,
        ranked.period_end
    from ranked
    left join {{ ref('stg_developer_identities') }} as identities
        on lower(ranked.developer_id) = identities.identity
    where ranked.newest_first = 1

)

select * from renamed
