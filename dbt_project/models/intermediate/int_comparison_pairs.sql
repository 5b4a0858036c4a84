-- Two agents beside each other by metric and replicate; replicate 0 is the data as they are. Both
-- are weighted alike: each block (same repository, size of task, author) counts by how much it
-- tells of a difference, which is the product over the sum of the two numbers of sessions, and
-- within it each agent by its own mean. So nobody is expensive for having been given large tasks.
with

cells as (

    select * from {{ ref('int_comparison_cells') }}
    where has_others

),

sums as (

    select
        cell_key,
        0 as replicate,
        sessions,
        numerator,
        denominator
    from cells
    union all
    select
        cell_key,
        replicate,
        sessions,
        numerator,
        denominator
    from {{ ref('int_comparison_replicates') }}

),

blocks as (

    select
        ours.cell_key,
        theirs.cell_key as other_cell_key,
        ours.agent,
        theirs.agent as other_agent,
        ours.metric,
        ours.sessions * theirs.sessions * 1.0 / (ours.sessions + theirs.sessions) as weight
    from cells as ours
    inner join cells as theirs
        on
            ours.repository = theirs.repository
            and ours.task_size = theirs.task_size
            and coalesce(ours.developer_id, '') = coalesce(theirs.developer_id, '')
            and ours.metric = theirs.metric
            and ours.agent < theirs.agent

),

-- Rounded before they are summed: sums of whole numbers do not hang on their order.
weighted as (

    select
        blocks.agent,
        blocks.other_agent,
        blocks.metric,
        ours.replicate,
        ours.sessions,
        theirs.sessions as other_sessions,
        cast(blocks.weight * ours.numerator / ours.sessions as decimal(38, 3)) as numerator,
        cast(blocks.weight * ours.denominator / ours.sessions as decimal(38, 3)) as denominator,
        cast(blocks.weight * theirs.numerator / theirs.sessions as decimal(38, 3))
            as other_numerator,
        cast(blocks.weight * theirs.denominator / theirs.sessions as decimal(38, 3))
            as other_denominator
    from blocks
    inner join sums as ours on blocks.cell_key = ours.cell_key
    inner join sums as theirs
        on blocks.other_cell_key = theirs.cell_key and ours.replicate = theirs.replicate

),

pairs as (

    select
        agent,
        other_agent,
        metric,
        replicate,
        {{ sum_bigint('sessions') }} as sessions,
        {{ sum_bigint('other_sessions') }} as other_sessions,
        cast(sum(numerator) as double) / nullif(cast(sum(denominator) as double), 0) as value,
        cast(sum(other_numerator) as double) / nullif(cast(sum(other_denominator) as double), 0)
            as other_value
    from weighted
    group by agent, other_agent, metric, replicate

)

select * from pairs
