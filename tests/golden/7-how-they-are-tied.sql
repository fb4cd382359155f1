select actor, count(*) as weight from (
                 select case when source = any($1) then target else source end as actor from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t
             ) a where actor <> all($2) group by actor order by weight desc, actor limit $3;
select distinct case when source = any($1) then source else target end as known,
                    case when source = any($1) then target else source end as actor
             from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t
             union
             -- Between two of them a tie leads both ways, of which the case tells one.
             select target, source from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t where source = any($1) and target = any($1);
select distinct case when source = any($1) then source else target end as known,
                    case when source = any($1) then target else source end as actor
             from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t
             union
             -- Between two of them a tie leads both ways, of which the case tells one.
             select target, source from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t where source = any($1) and target = any($1);
select distinct on (least(t.source, t.target), greatest(t.source, t.target))
                least(t.source, t.target) as one, greatest(t.source, t.target) as other, t.kind,
                t.relation_id, t.meeting_id, t.statement_id,
                coalesce(relations.label, meetings.name, statements.summary) as label
         from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t
         left join relations on relations.id = t.relation_id
         left join meetings on meetings.id = t.meeting_id
         left join statements on statements.id = t.statement_id
         where t.source = any($1) and t.target = any($1)
         order by 1, 2, t.relation_id desc nulls last, t.meeting_id desc nulls last, t.statement_id desc nulls last;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.source, t.target, t.kind, relations.kind as relation_kind, count(*) as weight,
                max(t.relation_id) as relation_id, max(t.meeting_id) as meeting_id, max(t.statement_id) as statement_id
         from (select subject_id as source, object_id as target, id as relation_id, null::bigint as meeting_id,
                null::bigint as statement_id, 'RELATION' as kind
         from relations where subject_id = any($1) or object_id = any($1) union all select least(one.actor_id, other.actor_id) as source, greatest(one.actor_id, other.actor_id) as target,
                null::bigint as relation_id, one.meeting_id, null::bigint as statement_id, 'CO_PARTICIPATION' as kind
         from meeting_participants one
         join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
         where one.actor_id = any($1) and (other.actor_id <> all($1) or one.actor_id < other.actor_id) union all select statements.speaker_id as source, statement_addressees.actor_id as target, null::bigint as relation_id,
                null::bigint as meeting_id, statements.id as statement_id, 'STATEMENT' as kind
         from statements join statement_addressees on statement_addressees.statement_id = statements.id
         where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
         union all
         select statements.speaker_id, statement_addressees.actor_id, null::bigint, null::bigint, statements.id, 'STATEMENT'
         from statement_addressees join statements on statements.id = statement_addressees.statement_id
         where statement_addressees.actor_id = any($1) and statements.speaker_id <> all($1)) t left join relations on relations.id = t.relation_id
         where t.source = any($1) and t.target = any($1)
         group by 1, 2, 3, 4 order by weight desc, 1, 2, 3, 4;
