select 1::bigint, t.source_id, t.credibility, t.id, (select admiralty_grade(s.reliability, t.credibility) from sources s where s.id = t.source_id), t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where true and ((true and t.locator = $1)) order by t.id limit $2;
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
