-- Whether a commit is in the default branch. Where nobody looked yet, the branch it was made on
-- tells, if it has a usual default's name; NULL is unknown.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

measured as (

    select
        commit_hash,
        max_by(in_default_branch, (measured_at, age_days)) as in_default_branch
    from {{ ref('stg_git_line_survival') }}
    where in_default_branch is not null
    group by commit_hash

),

joined as (

    select
        commits.commit_key,
        coalesce(
            measured.in_default_branch,
            case when commits.branch in ('main', 'master', 'trunk') then true end
        ) as in_default_branch
    from commits
    left join measured on commits.commit_hash = measured.commit_hash

)

select * from joined
