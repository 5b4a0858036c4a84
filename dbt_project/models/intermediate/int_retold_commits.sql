-- Commits of which it is said anew which lines are of agents and which are alive: matched anew,
-- linked otherwise, measured again.
{{ config(materialized='incremental', incremental_strategy='unmade', on_schema_change='fail') }}

{% set links_made = made_before('marts', 'fct_commit_sessions') %}
{% set survival_made = made_before('intermediate', 'int_commit_ai_survival') %}

with

rematched as (

    select commit_key from {{ ref('int_rematched_commits') }}

),

links as (  -- noqa: ST03

    select * from {{ ref('int_commit_cost_shares') }}

),

measured as (  -- noqa: ST03

    select
        survival.commit_hash as commit_key,
        survival.age_days,
        survival.lines_alive,
        survival.lines_at_start,
        survival.measured_at
    from {{ ref('stg_git_line_survival') }} as survival
    inner join {{ ref('int_commits_in_history') }} as commits
        on survival.commit_hash = commits.commit_hash

),

{% if links_made and survival_made %}
linked_otherwise as (

    {{ rows_that_differ('links', links_made, [
        'commit_key', 'session_key', 'session_id', 'agent', 'attribution_tier',
    ]) }}

),

measured_otherwise as (

    {{ rows_that_differ('measured', survival_made, [
        'commit_key', 'age_days', 'lines_alive', 'lines_at_start', 'measured_at',
    ]) }}

),

found as (

    select commit_key from rematched
    union
    select commit_key from linked_otherwise
    union
    select commit_key from measured_otherwise

)
{% else %}
found as (

    select commit_key from rematched
    union
    select commit_key from links
    union
    select commit_key from measured

)
{% endif %}

select
    commit_key,
    false as is_made
from found
