-- The cells in which agents are compared: one metric of one agent in one repository, size of task
-- and author. A table: three models read it.
{{ config(materialized='table') }}

with

sessions as (

    select * from {{ ref('int_comparable_sessions') }}

),

cells as (

    select
        cell_key,
        repository,
        task_size,
        developer_id,
        agent,
        metric,
        -- What is in the cell, whatever the order: another session or figure makes it another.
        {{ sum_bigint(hashed_number(
            "session_key || '|' || cast(numerator as varchar) || '|' "
            ~ '|| cast(denominator as varchar)'
        )) }} as content,
        {{ sum_bigint('numerator') }} as numerator,
        {{ sum_bigint('denominator') }} as denominator,
        count(*) as sessions
    from sessions
    group by cell_key, repository, task_size, developer_id, agent, metric

),

-- Whom nothing names may be anybody, except where nobody is named at all: then all are one author.
compared as (

    select
        *,
        repository is not null
        and (developer_id is not null or max(developer_id) over () is null)
        and count(*) over (partition by repository, task_size, developer_id, metric) > 1
            as has_others
    from cells

)

select
    *,
    has_others or sessions >= {{ enough_sessions() }} as is_resampled
from compared
