select t.id from topics t where t.slug = $1;
select t.id, t.id from actors t where t.slug = $1;
select t.id, t.id from topics t where t.slug = $1;
select t.id, t.id, t.author_id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.holder_id, t.stance from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.holder_id, t.stance from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.statement_id, t.commentary_id, t.vote_id from positions t where t.id = any((select $1::bigint[])::bigint[]);
select topic_id as parent, holder_id, id, stance, date from (
             select l.*, row_number() over (partition by topic_id order by stance, holder_id) as number from (select distinct on (topic_id, holder_id) * from (
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
         order by topic_id, holder_id, day desc nulls last, id desc) l
         ) l where number <= $2 order by topic_id, number;
with recursive below as (
             select id from topics where id = $2 union select topics.id from topics join below on topics.parent_id = below.id
         )
         select holder_id as parent, topic_id, id, stance, previous, date from (
             select d.*, lag(stance) over (partition by holder_id, topic_id order by day nulls last, id) as previous
             from (
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
    ) shown where positions.holder_id = any($1)
                   and ($2 is null or positions.topic_id in (select id from below))) d
         ) d where previous is distinct from stance
         order by holder_id, topic_id, day nulls last, id;
with recursive evidence (subject, statement_id, commentary_id, vote_id, role) as materialized (
    select e.position_id, e.statement_id, e.commentary_id, e.vote_id, e.role
    from position_evidence e join positions on positions.id = e.position_id where  positions.id = any($1)),
         repeated (statement_id, original_id) as (
             select distinct statement_id, statement_id from evidence where role = 'SUPPORTS' and statement_id is not null
             union
             select repeated.statement_id, r.repeated_id from repeated join statement_repeats r on r.statement_id = repeated.original_id
         ),
         originals (statement_id, original_id) as (
             select statement_id, unnest(coalesce(array_agg(original_id) filter (where not repeats), array[min(original_id)]))
             from (
                 -- Not an `exists`, for which Postgres would read the whole table.
                 select repeated.*, (
                     select true from statement_repeats r where r.statement_id = repeated.original_id limit 1
                 ) is not null as repeats
                 from repeated
             ) r group by statement_id
         ),
         cited (subject, source_id, credibility) as (
             select subject, source_id, credibility from evidence e
             join originals o on o.statement_id = e.statement_id
             join citations c on c.statement_id = o.original_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.commentary_id = e.commentary_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.vote_id = e.vote_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join votes v on v.id = e.vote_id
             join citations c on c.division_id = v.division_id where role = 'SUPPORTS'
         ),
         graded as (
             select subject, count(distinct coalesce(s.publisher_id, -s.id)) as independent_sources,
                    min(admiralty_grade(s.reliability, cited.credibility) collate "C") as best
             from cited join sources s on s.id = cited.source_id group by subject
         ),
         contradicted (subject) as (
             select subject from evidence where role = 'CONTRADICTS'
             union
             select subject from evidence e join statement_contradictions c using (statement_id) where role = 'SUPPORTS'
             union
             select subject from evidence e
             join statement_contradictions c on c.contradicted_id = e.statement_id where role = 'SUPPORTS'
         )
         select subject, coalesce(independent_sources, 0) as independent_sources, best,
                subject in (select subject from contradicted) as disputed
         from (select distinct subject from evidence) e left join graded using (subject);
with scale as (select stance, ordinality as step from unnest(enum_range(null::stance)) with ordinality s (stance)),
              latest as materialized (
                  select l.*, step, row_number() over (partition by topic_id, step order by id) as nth
                  from (select distinct on (topic_id, holder_id) * from (
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
    ) shown where positions.topic_id = any($1) and positions.id in (select subject from (with recursive evidence (subject, statement_id, commentary_id, vote_id, role) as materialized (
    select e.position_id, e.statement_id, e.commentary_id, e.vote_id, e.role
    from position_evidence e join positions on positions.id = e.position_id where positions.topic_id = any($1)),
         repeated (statement_id, original_id) as (
             select distinct statement_id, statement_id from evidence where role = 'SUPPORTS' and statement_id is not null
             union
             select repeated.statement_id, r.repeated_id from repeated join statement_repeats r on r.statement_id = repeated.original_id
         ),
         originals (statement_id, original_id) as (
             select statement_id, unnest(coalesce(array_agg(original_id) filter (where not repeats), array[min(original_id)]))
             from (
                 -- Not an `exists`, for which Postgres would read the whole table.
                 select repeated.*, (
                     select true from statement_repeats r where r.statement_id = repeated.original_id limit 1
                 ) is not null as repeats
                 from repeated
             ) r group by statement_id
         ),
         cited (subject, source_id, credibility) as (
             select subject, source_id, credibility from evidence e
             join originals o on o.statement_id = e.statement_id
             join citations c on c.statement_id = o.original_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.commentary_id = e.commentary_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.vote_id = e.vote_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join votes v on v.id = e.vote_id
             join citations c on c.division_id = v.division_id where role = 'SUPPORTS'
         ),
         graded as (
             select subject, count(distinct coalesce(s.publisher_id, -s.id)) as independent_sources,
                    min(admiralty_grade(s.reliability, cited.credibility) collate "C") as best
             from cited join sources s on s.id = cited.source_id group by subject
         ),
         contradicted (subject) as (
             select subject from evidence where role = 'CONTRADICTS'
             union
             select subject from evidence e join statement_contradictions c using (statement_id) where role = 'SUPPORTS'
             union
             select subject from evidence e
             join statement_contradictions c on c.contradicted_id = e.statement_id where role = 'SUPPORTS'
         )
         select subject, coalesce(independent_sources, 0) as independent_sources, best,
                subject in (select subject from contradicted) as disputed
         from (select distinct subject from evidence) e left join graded using (subject)) k
               where independent_sources >= $3 and ($4::boolean is null or disputed = $4))) d
         order by topic_id, holder_id, day desc nulls last, id desc) l join scale using (stance)
              ),
              first as materialized (select * from latest where nth <= $2)
         select parent, one, other, distance from (
             select one.topic_id as parent, one.id as one, other.id as other, other.step - one.step as distance,
                    row_number() over (partition by one.topic_id order by other.step - one.step desc, one.id, other.id) as number
             from first one join first other on other.topic_id = one.topic_id and other.step > one.step
         ) p where number <= $2 order by parent, number;
