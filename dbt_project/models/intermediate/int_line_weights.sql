-- How much a line tells: one that was added to a single file is evidence, `return None` is none.
-- From a hundred files on it tells nothing, so that one file more changes nothing anywhere.
-- `is_made` is false of a weight that is another than before, until every model knows it.
{{ config(materialized='incremental', incremental_strategy='reweighed', on_schema_change='fail') }}

{% set changed = ref('int_changed_commits') %}
{% set lines_made = made_before('intermediate', 'int_commit_lines') %}

with

files as (

    select * from {{ ref('int_commit_files_made') }}

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where added > removed

),

candidates as (

    select line_hash from lines
    where {{ of_commits(changed, 'commit_hash') }}
    {% if lines_made %}
    union
    select line_hash from {{ lines_made }}
    where {{ of_commits(changed) }}
    {% endif %}

),

places as (

    select distinct
        lines.line_hash,
        files.repository,
        files.path
    from lines
    inner join files on lines.commit_hash = files.commit_hash and lines.path = files.path
    {% if lines_made %}
    where lines.line_hash in (select candidates.line_hash from candidates)
    {% endif %}

),

counted as (

    select
        line_hash,
        count(*) as files
    from places
    group by line_hash

),

weighted as (

    select
        candidates.line_hash,
        coalesce({{ line_weight('counted.files') }}, 1.0) as weight
    from (select distinct candidates.line_hash from candidates) as candidates
    left join counted on candidates.line_hash = counted.line_hash

)

select
    weighted.line_hash,
    weighted.weight,
    false as is_made
from weighted
{% if lines_made %}
left join {{ this }} as before on weighted.line_hash = before.line_hash
where before.weight is null or before.weight <> weighted.weight
{% endif %}
