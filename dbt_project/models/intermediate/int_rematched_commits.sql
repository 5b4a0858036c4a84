-- Commits whose lines are matched anew: those with other lines, and those of which a session that
-- changed wrote lines or had written some, or of which a line, or what a session wrote in the same
-- file, has another weight.
{{ config(materialized='incremental', incremental_strategy='unmade', on_schema_change='fail') }}

-- Not by common table expressions, which would read all columns of all lines.
{% set commit_lines = ref('int_commit_lines') %}
{% set session_lines = ref('int_session_lines') %}
{% set files_made = made_before('intermediate', 'int_commit_file_matches') %}

with

changed as (

    select commit_key from {{ ref('int_changed_commits') }}

),

{% if files_made %}
reweighed as (

    select line_hash from {{ ref('int_line_weights') }}
    where not is_made

),

written as (

    select * from {{ session_lines }}
    where
        added > 0
        and {{ rows_where(session_lines, changed()) }}

),

in_both as (

    {{ lines_of_both(commit_lines, 'written', ['commit_lines.commit_key']) }}

),

weighed_otherwise as (  -- noqa: ST03

    select distinct
        session_key,
        file_path
    from {{ session_lines }}
    where line_hash in (select reweighed.line_hash from reweighed)

),

found as (

    select commit_key from changed
    union
    select commit_key from in_both
    union
    select commit_key from {{ commit_lines }}
    where line_hash in (select reweighed.line_hash from reweighed)
    union
    select commit_key from {{ files_made }}
    where {{ changed_key() }}
    union
    select matches.commit_key
    from {{ files_made }} as matches
    inner join weighed_otherwise
        on
            matches.session_key = weighed_otherwise.session_key
            and matches.file_path = weighed_otherwise.file_path

)
{% else %}
-- depends_on: {{ ref('int_line_weights') }}
found as (

    select commit_key from changed

)
{% endif %}

select
    commit_key,
    false as is_made
from found
