-- How many of the lines that agents wrote in a commit are alive at an age; NULL where it is not
-- known which lines are alive.
{{ config(materialized='incremental', incremental_strategy='by_telling', on_schema_change='fail') }}

{% set retold = ref('int_retold_commits') %}

with

survival as (

    select * from {{ ref('stg_git_line_survival') }}
    where {{ of_commits(retold, 'commit_hash') }}

),

alive_lines as (

    select
        commit_hash,
        age_days,
        line_hash,
        count(*) as lines
    from {{ ref('stg_git_alive_lines') }}
    where {{ of_commits(retold, 'commit_hash') }}
    group by commit_hash, age_days, line_hash

),

links as (

    select * from {{ ref('int_commit_sessions') }}

),

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

written as (

    select
        matches.commit_key,
        matches.line_hash,
        sum(matches.lines) as lines
    from {{ ref('int_commit_line_matches') }} as matches
    inner join links
        on matches.commit_key = links.commit_key and matches.session_key = links.session_key
    where {{ of_commits(retold, 'matches.commit_key') }}
    group by matches.commit_key, matches.line_hash

),

known as (

    select
        commit_key,
        {{ sum_bigint('lines') }} as lines
    from written
    group by commit_key

),

alive as (

    select
        written.commit_key,
        alive_lines.age_days,
        {{ sum_bigint(
            'case when alive_lines.lines < written.lines then alive_lines.lines '
            ~ 'else written.lines end'
        ) }} as lines
    from written
    inner join commits on written.commit_key = commits.commit_key
    inner join alive_lines
        on
            commits.commit_hash = alive_lines.commit_hash
            and written.line_hash = alive_lines.line_hash
    group by written.commit_key, alive_lines.age_days

),

measured as (

    select
        commits.commit_key,
        survival.age_days,
        survival.lines_alive,
        survival.lines_at_start,
        survival.measured_at,
        coalesce(known.lines, 0) as ai_lines_known,
        case
            when survival.alive_line_hashes is not null then coalesce(alive.lines, 0)
        end as ai_lines_alive
    from survival
    inner join commits on survival.commit_hash = commits.commit_hash
    left join known on commits.commit_key = known.commit_key
    left join alive
        on commits.commit_key = alive.commit_key and survival.age_days = alive.age_days

)

select * from measured
