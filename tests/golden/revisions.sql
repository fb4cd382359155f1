select 1::bigint, t.requester, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where true and ((true and t.operation = $1::revision_operation) and (true and t.part = $2)) order by t.id limit $3;
select p.place, (select count(*) from revisions t where t.statement_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.id, t.operation, t.requester, t.part, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where t.statement_id = p.id order by t.id limit $2) r;
select t.id, t.id from statements t where t.slug = $1;
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.revision_id, t.field, t.before, t.after from revision_changes t where t.revision_id = any((select $1::bigint[])::bigint[]) order by t.field;
