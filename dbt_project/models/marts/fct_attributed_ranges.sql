with

notes as (

    select * from {{ ref('stg_git_attributions') }}
    where contributor = 'ai' and agent is not null and ranges is not null and path is not null

),

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

final as (

    select distinct
        commits.commit_key,
        commits.commit_hash,
        notes.path,
        notes.source,
        notes.agent,
        notes.session_id,
        notes.ranges
    from notes
    inner join commits on notes.commit_hash = commits.commit_hash

)

select * from final
