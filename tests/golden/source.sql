select 1::bigint, count(*) from sources t where true and ((true and t.language = $1) and (true and t.reliability is null));
select 1::bigint, t.id, t.slug, t.title, t.publisher_id, t.url, t.language, t.published_on, t.reliability from sources t where true and ((true and t.language = $1) and (true and t.reliability is null)) order by coalesce(lower(t.published_during), 'infinity'::date), t.id limit $2;
select p.place, (select count(*) from citations t where t.source_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, (select count(*) from source_authors l join actors t on t.id = l.actor_id where l.source_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where t.source_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.slug from commentaries t where t.source_id = p.id order by t.ordinal, t.id limit $2) r;
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
