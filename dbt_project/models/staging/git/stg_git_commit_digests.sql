-- What a commit adds and what it takes out as one number each: equal where all lines are.
{{ config(
    materialized='incremental', incremental_strategy='by_delivery', on_schema_change='fail'
) }}

with

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    {% if is_by_session_run() %}
    where {{ is_delivered_since(this) }}
    {% endif %}

),

digested as (

    select
        commit_hash,
        {{ digest_of_set("path || '|' || line_hash || '|' || added") }} as added_digest,
        {{ digest_of_set("path || '|' || line_hash || '|' || removed") }} as removed_digest,
        max(batch_id) as batch_id
    from lines
    group by commit_hash

)

select * from digested
