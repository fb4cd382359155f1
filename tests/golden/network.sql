select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, 1 as turn from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3;
select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, 1 as turn from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3;
select source, target, type, kind, relation_kind, count(*) as weight, max(id) as id
         from (select 0 as type, 'RELATION' as kind, t.* from (select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)) t union all select 1 as type, 'CO_PARTICIPATION' as kind, t.* from (select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)) t union all select 2 as type, 'STATEMENT' as kind, t.* from (select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id) t union all select 3 as type, 'EVENT' as kind, t.* from (select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id) t) t where source <> all($2) or target <> all($2)
         group by 1, 2, 3, 4, 5 order by weight desc, 1, 2, 4, 5;
select t.id from actors t where t.slug = $1;
select t.id, t.id, coalesce(t.label, initcap(t.kind::text)) from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
