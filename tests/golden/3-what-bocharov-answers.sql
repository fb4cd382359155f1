select 1::bigint, count(*) from commentaries t where true and (exists (select from actors t1 where t1.id = t.author_id and ((true and t1.slug = $1))));
select 1::bigint, t.ordinal, t.question, t.summary, t.id from commentaries t where true and (exists (select from actors t1 where t1.id = t.author_id and ((true and t1.slug = $1)))) order by t.ordinal, t.id limit $2;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.commentary_id = p.id order by t.id limit $2) r;
select t.commentary_id, t.actor_id, t.meeting_id, t.statement_id, t.topic_id from commentary_targets t where t.commentary_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from statements t where t.id = any((select $1::bigint[])::bigint[]);
