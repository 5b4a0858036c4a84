-- Whether a commit is in the default branch. Where nobody looked yet, the branch it was made on
-- tells, if it has a usual default's name; NULL is unknown.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

measured as (

    select
        commit_hash,
        in_default_branch,
        row_number() over (
            partition by commit_hash
            order by measured_at desc, age_days desc, in_default_branch desc
        ) as newest_first
    from {{ ref('stg_git_line_survival') }}
    where in_default_branch is not null

),

joined as (

    select
        commits.commit_key,
        coalesce(
            measured.in_default_branch,
            case when commits.branch in ('main', 'master', 'trunk') then true end
        ) as in_default_branch
    from commits
    left join measured
        on commits.commit_hash = measured.commit_hash and measured.newest_first = 1

)

select * from joined
