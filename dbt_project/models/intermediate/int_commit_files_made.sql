-- The files of commits as the last run knew them.
-- depends_on: {{ ref('int_changed_commits') }}
{{ config(materialized='table') }}

with

files as (

    select * from {{ ref('int_commit_files') }}

)

select
    commit_key,
    commit_hash,
    repository,
    path,
    old_path,
    is_fix,
    committed_at,
    written_at,
    batch_id
from files
