select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.holder_id, t.stance, t.id from positions t where t.topic_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.position_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.summary, t.author_id, t.source_id from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.title from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.id from topics t where t.slug = $1;
select t.position_id, t.role, t.statement_id, t.commentary_id, t.vote_id from position_evidence t where t.position_id = any((select $1::bigint[])::bigint[]) order by t.id;
