select p.place, (select count(*) from commentaries t where t.author_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.slug, t.id from meeting_participants l join meetings t on t.id = l.meeting_id where l.actor_id = p.id order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.kind, coalesce(t.label, initcap(t.kind::text)), t.object_id from relations t where (t.subject_id = p.id or t.object_id = p.id) order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator, t.source_id from citations t where t.actor_id = p.id order by t.id limit $2) r;
select t.actor_id, t.name, t.kind, t.language, t.script from actor_names t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.actor_id, t.scheme, t.value from actor_identifiers t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.scheme, t.value;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.kind, t.name from actors t where t.slug = $1;
