-- Lines of a commit by the session that wrote them; `evident_lines` of files that prove it.

with

files as (

    select * from {{ ref('int_commit_file_matches') }}

),

summed as (

    select
        commit_key,
        session_key,
        {{ sum_bigint('lines') }} as lines,
        {{ sum_bigint('case when is_evidence then lines else 0 end') }} as evident_lines
    from files
    group by commit_key, session_key

)

select * from summed
