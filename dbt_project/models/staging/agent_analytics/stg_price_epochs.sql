with

epochs as (

    select * from {{ source('raw', 'raw_price_epochs') }}

),

moments as (

    select
        since,
        max(known_from) as known_from
    from epochs
    group by since

),

periods as (

    select
        since as requested_from,
        lead(since) over (order by since) as requested_to,
        max(known_from) over (
            order by since rows between unbounded preceding and current row
        ) as priced_as_of
    from moments

)

select * from periods
