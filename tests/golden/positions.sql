select 1::bigint, r.* from (select t.slug, t.stance, t.holder_id, t.topic_id, t.statement_id, t.commentary_id, t.vote_id, t.id from positions t where true order by t.id limit 101) r limit $1;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.position_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.author_id from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.speaker_id from statements t where t.id = any((select $1::bigint[])::bigint[]);
