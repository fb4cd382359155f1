select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select t.id, t.id from meetings t where t.slug = $1;
