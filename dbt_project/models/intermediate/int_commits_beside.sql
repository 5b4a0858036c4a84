-- Commits of which a changed one shares a file: with them its lines can be made anew.
{{ config(materialized='table') }}

with

changed as (

    select * from {{ ref('int_changed_commits') }}

),

files as (

    select
        commit_key,
        coalesce(repository, '') as repository,
        path
    from {{ ref('int_commit_files_made') }}
    union
    select
        commit_key,
        coalesce(repository, '') as repository,
        old_path as path
    from {{ ref('int_commit_files_made') }}
    where old_path is not null

),

touched as (

    select distinct
        repository,
        path
    from files
    where commit_key in (select changed.commit_key from changed)

),

beside as (

    select distinct files.commit_key
    from files
    inner join touched on files.repository = touched.repository and files.path = touched.path

)

select * from beside
