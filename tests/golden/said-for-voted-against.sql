select 1::bigint, t.slug from actors t where true and (exists (select from positions t1 where t1.holder_id = t.id and (t1.topic_id = any(array(select t3.id from topics t3 where ((true and t3.slug = $1)))) and (true and t1.stance = any($2::text[]::stance[])) and t1.statement_id is not null)) and exists (select from votes t4 where t4.actor_id = t.id and ((true and t4.choice = $3::vote_choice) and t4.division_id = any(array(select t6.id from divisions t6 where ((t6.motion_id in (select t7.id from motions t7 where ((t7.id in (select l9.motion_id from motion_topics l9 join topics t8 on t8.id = l9.topic_id where ((true and t8.slug = $4)))) is true))) is true)))))) order by lower(t.name), t.id limit $5;
select 1::bigint, t.slug, t.id from actors t where true and (exists (select from positions t1 where t1.holder_id = t.id and (t1.topic_id = any(array(select t3.id from topics t3 where ((true and t3.slug = $1)))) and (true and t1.stance = any($2::text[]::stance[])) and t1.statement_id is not null)) and exists (select from votes t4 where t4.actor_id = t.id and ((true and t4.choice = $3::vote_choice) and t4.division_id = any(array(select t6.id from divisions t6 where ((t6.motion_id in (select t7.id from motions t7 where ((t7.id in (select l9.motion_id from motion_topics l9 join topics t8 on t8.id = l9.topic_id where ((true and t8.slug = $4)))) is true))) is true)))))) order by lower(t.name), t.id limit $5;
select t.id from topics t where t.slug = $1;
select t.id, t.id from actors t where t.slug = $1;
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
