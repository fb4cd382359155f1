select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
with latest as (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1)) d
         order by topic_id, holder_id, day desc nulls last, id desc), holders as (
             select holder_id, count(*) as stances from latest where $2 is null or holder_id = any($2)
             group by 1 order by 2 desc, 1 limit 100
         )
         select latest.topic_id, holder_id, id, stance, date from latest join holders using (holder_id)
         order by stances desc, holder_id, topic_id;
with latest as (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1)) d
         order by topic_id, holder_id, day desc nulls last, id desc), holders as (
             select holder_id, count(*) as stances from latest where $2 is null or holder_id = any($2)
             group by 1 order by 2 desc, 1 limit 100
         )
         select latest.topic_id, holder_id, id, stance, date from latest join holders using (holder_id)
         order by stances desc, holder_id, topic_id;
