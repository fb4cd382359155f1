select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.slug, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.meeting_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.id from commentary_targets l join commentaries t on t.id = l.commentary_id where l.meeting_id = p.id order by t.ordinal, t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug from statements t where t.meeting_id = p.id order by coalesce(t.ordinal, 2147483647), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.id from meeting_topics l join topics t on t.id = l.topic_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.mode, t.venue_id, t.id from meetings t where t.parent_id = p.id order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.summary, t.mode, t.status, t.starts_on, t.ends_on, t.venue_id, t.parent_id from meetings t where t.slug = $1;
