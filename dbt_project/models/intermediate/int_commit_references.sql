-- What a commit says it is for. Its ticket is the first that its subject, its branch, the rest of
-- its message or its trailers name, in this order: a subject means its own, a body often another's.
-- Its pull request is the one of its squash or merge message, else that of the merge of its branch.
{% set subject = first_line('commits.commit_message') %}

with

commits as (

    select * from {{ ref('stg_git_commits') }}

),

in_history as (

    select commit_key from {{ ref('int_commits_in_history') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

texts as (

    select
        commits.commit_key,
        commits.repository,
        commits.branch,
        commits.committed_at,
        nullif(settings.ticket_pattern, '') as ticket_pattern,
        commits.commit_message,
        {{ subject }} as subject,
        concat_ws(
            chr(10), {{ subject }}, commits.branch, commits.commit_message, commits.trailers
        ) as said
    from commits
    inner join in_history on commits.commit_key = in_history.commit_key
    cross join settings

),

-- GitHub, GitHub's squash, Azure, Bitbucket, GitLab. A pattern that is the same for all rows is
-- compiled once; one of a column takes 40 µs of each row.
parsed as (

    select
        commit_key,
        repository,
        branch,
        committed_at,
        upper(case
            when ticket_pattern = '{{ default_ticket_pattern() }}'
                then
                    {{ first_match(
                        'said', "'" ~ default_ticket_pattern() ~ "'", no_tickets()
                    ) }}
            else {{ first_match('said', 'ticket_pattern') }}
        end) as ticket,
        {{ cast_or_null(
            'coalesce(' ~ first_group('subject', '^Merge pull request #([0-9]+)')
            ~ ', ' ~ first_group('subject', '\\(#([0-9]+)\\)\\s*$')
            ~ ', ' ~ first_group('subject', '^Merged PR ([0-9]+)')
            ~ ', ' ~ first_group('subject', '\\(pull request #([0-9]+)\\)\\s*$')
            ~ ', ' ~ first_group('commit_message', 'See merge request \\S*!([0-9]+)') ~ ')',
            'bigint'
        ) }} as pull_request,
        coalesce(
            {{ first_group('subject', '^Merge pull request #[0-9]+ from [^/\\s]+/(\\S+)') }},
            {{ first_group('subject', '^Merged in (\\S+)') }},
            {{ first_group('subject', "^Merge branch ''([^'']+)''") }}
        ) as merged_branch
    from texts

),

-- A fork's main is not ours.
merge_commits as (

    select * from parsed
    where
        pull_request is not null
        and merged_branch is not null
        and merged_branch not in ('main', 'master', 'trunk', 'develop')

),

-- A branch's name is used again: the first merge after the commit is its own.
merged as (

    select
        parsed.commit_key,
        merge_commits.pull_request,
        row_number() over (
            partition by parsed.commit_key
            order by merge_commits.committed_at, merge_commits.commit_key
        ) as first_merge
    from parsed
    inner join merge_commits
        on
            parsed.repository = merge_commits.repository
            and parsed.branch = merge_commits.merged_branch
            and parsed.committed_at <= merge_commits.committed_at
            and merge_commits.committed_at
            <= {{ add_seconds('parsed.committed_at', 90 * 86400) }}
    where parsed.pull_request is null

),

joined as (

    select
        parsed.commit_key,
        parsed.ticket,
        coalesce(parsed.pull_request, merged.pull_request) as pull_request
    from parsed
    left join merged on parsed.commit_key = merged.commit_key and merged.first_merge = 1

)

select * from joined
