with

measured as (

    select
        lower(commit_hash) as commit_hash,
        cast(age_days as bigint) as age_days,
        cast(lines_alive as bigint) as lines_alive,
        cast(lines_at_start as bigint) as lines_at_start,
        alive_line_hashes,
        in_default_branch,
        measured_at,
        row_number() over (
            partition by lower(commit_hash), age_days order by measured_at desc, created_at desc
        ) as newest_first
    from {{ source('raw', 'raw_git_line_survival') }}

),

newest as (

    select * exclude (newest_first) from measured
    where newest_first = 1

)

select * from newest
