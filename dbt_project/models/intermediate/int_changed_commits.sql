-- Commits whose lines are made anew: those told otherwise than before, and later ones of the same
-- files, because what a commit adds depends on what was there.
{{ config(materialized='incremental', incremental_strategy='unmade', on_schema_change='fail') }}

{% set made = made_before('intermediate', 'int_commit_files_made') %}

with

files as (

    select * from {{ ref('int_commit_files') }}

),

{% if made %}
differing as (

    {{ rows_that_differ('files', made, [
        'commit_key', 'commit_hash', 'repository', 'path', 'old_path', 'is_fix', 'committed_at',
        'written_at', 'batch_id',
    ]) }}

),

touched as (

    select
        repository,
        path,
        min(committed_at) as committed_at
    from (
        select
            coalesce(repository, '') as repository,
            path,
            committed_at
        from differing
        union all
        select
            coalesce(repository, '') as repository,
            old_path as path,
            committed_at
        from differing
        where old_path is not null
    ) as paths
    group by repository, path

),

changed as (

    select commit_key from differing
    {% for path in ['path', 'old_path'] %}
    union
    select files.commit_key
    from files
    inner join touched
        on
            coalesce(files.repository, '') = touched.repository
            and files.{{ path }} = touched.path
            and files.committed_at >= touched.committed_at
    {% endfor %}

)
{% else %}
changed as (

    select distinct commit_key from files

)
{% endif %}

select
    commit_key,
    false as is_made
from changed
