-- Commits that a trailer or their author ascribes to an agent.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

markers as (

    select * from {{ ref('agent_commit_markers') }}

),

marked as (

    select
        commits.commit_key,
        markers.agent
    from commits
    inner join markers
        on
            (
                markers.field = 'email'
                and (
                    commits.author_email = markers.marker
                    or commits.commit_message like '%<' || markers.marker || '>%'
                    or commits.trailers like '%<' || markers.marker || '>%'
                )
            )
            or (
                markers.field = 'trailer'
                and (
                    commits.commit_message like '%' || markers.marker || '%'
                    or replace(replace(replace(commits.trailers, '"', ''), '[', ''), ': ', ':')
                    like '%' || replace(markers.marker, ': ', ':') || '%'
                )
            )
            or (
                markers.field = 'author_name'
                and commits.author_name like '%' || markers.marker || '%'
            )

),

-- Where two agents are named, which of them made it is unknown.
by_commit as (

    select
        commit_key,
        case when min(agent) = max(agent) then min(agent) end as agent
    from marked
    group by commit_key

)

select * from by_commit
