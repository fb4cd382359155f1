select p.place, (select count(*) from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.name, t.kind, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from meeting_topics l join topics t on t.id = l.topic_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.venue_id, t.id from meetings t where t.slug = $1;
