select 1::bigint, count(*) from relations t where true;
select 1::bigint, r.* from (select t.slug, t.kind, coalesce(t.label, initcap(t.kind::text)), t.subject_id, t.object_id, t.valid_from, t.valid_until, t.id from relations t where true order by t.id limit 101) r limit $1;
select 1::bigint, t.subject_id, t.object_id from relations t where true and ((true and t.kind = $1::relation_kind) and (true and t.label = $2)) order by t.id limit $3;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.relation_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
