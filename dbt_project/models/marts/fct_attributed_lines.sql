{{ config(materialized='incremental', incremental_strategy='by_telling', on_schema_change='fail') }}

{% set retold = ref('int_retold_commits') %}

with

matches as (

    select * from {{ ref('int_commit_line_matches') }}
    where {{ of_commits(retold) }}

),

links as (

    select * from {{ ref('int_commit_cost_shares') }}
    where {{ of_commits(retold) }}

),

final as (

    select
        links.commit_key,
        links.session_key,
        links.commit_hash,
        links.session_id,
        links.agent,
        links.attribution_tier,
        matches.path,
        matches.line_hash,
        cast(matches.lines as bigint) as lines
    from matches
    inner join links
        on matches.commit_key = links.commit_key and matches.session_key = links.session_key

)

select * from final
