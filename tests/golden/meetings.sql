select 1::bigint, count(*) from meetings t where true and ((true and t.held_during && daterange(lower(partial_date_range($1)), upper(partial_date_range($2)))));
select 1::bigint, r.* from (select t.name from meetings t where true order by lower(t.name), t.id limit 101) r limit $1;
select 1::bigint, t.slug from meetings t where true and ((true and t.mode = $1::meeting_mode) and (true and t.status = $2::meeting_status)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $3;
select 1::bigint, t.slug from meetings t where true and (exists (select from actors t1 where t1.id = t.venue_id and ((true and t1.slug = $1)))) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2;
select 1::bigint, t.slug from meetings t where true and (exists (select from meeting_participants l2 join actors t1 on t1.id = l2.actor_id where l2.meeting_id = t.id and ((true and t1.slug = $1)))) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2;
