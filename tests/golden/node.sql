select m.id, t.id from merged_actors m join actors t on t.id = m.kept_id where m.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from citations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from revisions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
