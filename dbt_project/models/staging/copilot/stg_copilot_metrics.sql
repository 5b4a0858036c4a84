with

metrics as (

    select * from {{ source('raw', 'raw_copilot_metrics') }}

),

-- GitHub corrects a day for a while: the newest report of it counts.
ranked as (

    select
        *,
        row_number() over (
            partition by date, developer_id order by created_at desc, cast(payload as varchar) asc
        ) as newest_first
    from metrics

),

renamed as (

    select
        {{ hashed(['date', 'developer_id']) }} as copilot_day_key,
        developer_id,
        organisation,
        cast(total_suggestions as bigint) as suggestions,
        cast(total_acceptances as bigint) as acceptances,
        cast(total_lines_suggested as bigint) as lines_suggested,
        cast(total_lines_accepted as bigint) as lines_accepted,
        cast(total_active_users as bigint) as active_users,
        {{ cast_or_null('ai_credits_used', 'decimal(18, 9)') }} as ai_credits,
        language_breakdown,
        coalesce(developer_id like 'org:%', false) as is_organisation,
        date as usage_date
    from ranked
    where newest_first = 1

)

select * from renamed
