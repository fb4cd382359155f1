select 1::bigint, r.* from (select t.id, t.operation, t.part, t.actor_id, t.meeting_id, t.statement_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.position_id from revisions t where true and t.id > $1 order by t.id limit 101) r limit $2;
select coalesce(max(id), 0) from revisions;
select t.id, t.id, t.operation, t.part, t.actor_id, t.meeting_id, t.statement_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.position_id from revisions t where t.id = $1;
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.revision_id, t.field, t.before, t.after from revision_changes t where t.revision_id = any((select $1::bigint[])::bigint[]) order by t.field;
