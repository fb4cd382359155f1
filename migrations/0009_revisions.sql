-- Every change of every record, in one sequence that only grows.

create table revisions (
    id bigint generated always as identity primary key,
    change bigint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    requester filled_text not null,
    operation revision_operation not null,
    part name not null,
    old_value jsonb,
    new_value jsonb,
    -- No foreign keys: the log outlives the records that it tells of.
    actor_id bigint,
    meeting_id bigint,
    statement_id bigint,
    commentary_id bigint,
    topic_id bigint,
    source_id bigint,
    relation_id bigint,
    position_id bigint,
    constraint revisions_one_record check (
        num_nonnulls(actor_id, meeting_id, statement_id, commentary_id, topic_id, source_id, relation_id, position_id) = 1
    ),
    constraint revisions_some_value check (num_nonnulls(old_value, new_value) > 0),
    constraint revisions_change_begins_it check (change <= id)
);
comment on table revisions is 'One row for each change of each record.';
comment on column revisions.id is 'The number of the revision.';
comment on column revisions.change is 'The first revision of the transaction that made it: what was changed together is undone together.';
comment on column revisions.recorded_at is 'When the change was made.';
comment on column revisions.requester is 'Who asked for it.';
comment on column revisions.operation is 'What was done to the record.';
comment on column revisions.part is 'The table whose row changed: the record''s own, or one that belongs to it.';
comment on column revisions.old_value is 'The row before, without what is derived from it.';
comment on column revisions.new_value is 'The row after, without what is derived from it.';
comment on column revisions.actor_id is 'The actor that changed, if it is one.';
comment on column revisions.meeting_id is 'The meeting that changed, if it is one.';
comment on column revisions.statement_id is 'The statement that changed, if it is one.';
comment on column revisions.commentary_id is 'The commentary that changed, if it is one.';
comment on column revisions.topic_id is 'The topic that changed, if it is one.';
comment on column revisions.source_id is 'The source that changed, if it is one.';
comment on column revisions.relation_id is 'The relation that changed, if it is one.';
comment on column revisions.position_id is 'The position that changed, if it is one.';

create index revisions_by_actor on revisions (actor_id, id) where actor_id is not null;
create index revisions_by_meeting on revisions (meeting_id, id) where meeting_id is not null;
create index revisions_by_statement on revisions (statement_id, id) where statement_id is not null;
create index revisions_by_commentary on revisions (commentary_id, id) where commentary_id is not null;
create index revisions_by_topic on revisions (topic_id, id) where topic_id is not null;
create index revisions_by_source on revisions (source_id, id) where source_id is not null;
create index revisions_by_relation on revisions (relation_id, id) where relation_id is not null;
create index revisions_by_position on revisions (position_id, id) where position_id is not null;
create index revisions_by_change on revisions (change, id);
create index revisions_by_moment on revisions (recorded_at, id);
create index revisions_by_requester on revisions (requester, id);
create index revisions_by_operation on revisions (operation, id);
create index revisions_by_part on revisions (part, id);

create view revision_changes as
select revisions.id as revision_id, change.*
from revisions
cross join lateral (
    select key as field, before.value as before, after.value as after
    from jsonb_each_text(coalesce(old_value, '{}')) as before
    full join jsonb_each_text(coalesce(new_value, '{}')) as after using (key)
    where before.value is distinct from after.value
) as change;
comment on view revision_changes is 'What each revision made of the row, column by column.';
comment on column revision_changes.revision_id is 'The revision.';
comment on column revision_changes.field is 'The column that changed.';
comment on column revision_changes.before is 'Its value before.';
comment on column revision_changes.after is 'Its value after.';

create function refuse_rewriting_history() returns trigger
    language plpgsql as
$$
begin
    perform refuse('revisions_append_only', 'revisions', 'id', 'What was recorded stays as it is.');
    return null;
end
$$;
comment on function refuse_rewriting_history is 'Refuses to change or remove revisions.';

create trigger revisions_append_only before update or delete or truncate on revisions
    for each statement execute function refuse_rewriting_history();

-- Revisions are numbered in the order of commits: whoever numbers one keeps all others from theirs until the
-- end of the transaction. So a reader who has seen a number has seen all before it, or never will. Who takes
-- the turn before locking any record never waits for one that waits for them.
create function take_turn() returns void
    language sql as
$$
    select pg_advisory_xact_lock('revisions'::regclass::oid::bigint)
$$;
comment on function take_turn is 'Waits until nobody else is changing records, and keeps others from it until the end of the transaction.';

create function begin_change() returns bigint
    language plpgsql as
$$
declare
    change bigint := nullif(current_setting('dossier.change', true), '');
begin
    if change is null then
        perform take_turn();
        select last_value + is_called::integer into change from revisions_id_seq;
        perform set_config('dossier.change', change::text, true);
        perform pg_notify('dossier_revisions', change::text);
    end if;
    return change;
end
$$;
comment on function begin_change is 'The number of the transaction''s first revision, and its turn to number them.';

-- Arguments: the columns of revisions that name the record, the row's columns that hold its id, the
-- row's key, and whether the row is the record itself. A row that belongs to a record changes it.
create function record_revisions() returns trigger
    language plpgsql as
$$
declare
    requester constant text := nullif(current_setting('dossier.requester', true), '');
    record_columns constant text := tg_argv[0];
    id_columns constant text[] := string_to_array(tg_argv[1], ', ');
    key_columns constant text := tg_argv[2];
    is_record constant boolean := tg_argv[3];
    derived constant text[] := '{search, published_during, held_during, said_during, valid_during}';
    -- What is done to records that are merged is told as that, even where a row stays as it is.
    told constant revision_operation := nullif(current_setting('dossier.operation', true), '');
    ids text;
    change bigint;
    operation revision_operation := coalesce(told, 'UPDATE');
begin
    if requester is null then
        perform refuse('revisions_requester', tg_table_name, 'requester', 'A change needs a requester: set dossier.requester.');
    end if;
    change := begin_change();
    if tg_op = 'UPDATE' then
        select string_agg(format('case when n is null then o.%1$I else n.%1$I end', id), ', ') into ids from unnest(id_columns) id;
        execute format(
            'insert into revisions (change, requester, operation, part, old_value, new_value, %s)
             select $5, $1, $2, $3, to_jsonb(o) - $4, to_jsonb(n) - $4, %s
             from old_rows o full join new_rows n using (%s)
             where o is distinct from n or $6
             -- A row whose key changed is told as one that went and one that came, in this order.
             order by o is null, %3$s',
            record_columns, ids, key_columns
        ) using requester, operation, tg_table_name, derived, change, told is not null;
    else
        if is_record then
            operation := coalesce(told, (case tg_op when 'INSERT' then 'CREATE' else 'DELETE' end)::revision_operation);
        end if;
        select string_agg(format('r.%I', id), ', ') into ids from unnest(id_columns) id;
        execute format(
            'insert into revisions (change, requester, operation, part, %s, %s)
             select $5, $1, $2, $3, to_jsonb(r) - $4, %s from %I r order by %s',
            case tg_op when 'INSERT' then 'new_value' else 'old_value' end, record_columns, ids,
            case tg_op when 'INSERT' then 'new_rows' else 'old_rows' end, key_columns
        ) using requester, operation, tg_table_name, derived, change;
    end if;
    return null;
end
$$;
comment on function record_revisions is 'Records what a command did, all its rows at once.';

create function refuse_truncate() returns trigger
    language plpgsql as
$$
begin
    perform refuse('revisions_no_truncate', tg_table_name, 'id', 'Rows are deleted, not truncated: their history is kept.');
    return null;
end
$$;
comment on function refuse_truncate is 'Refuses what no revision could tell.';

create procedure keep_history(of_table name, record_columns text, id_columns text, key_columns text, is_record boolean)
    language plpgsql as
$$
declare
    arguments constant text := format('%L, %L, %L, %L', record_columns, id_columns, key_columns, is_record);
begin
    execute format('create trigger %I after insert on %I referencing new table as new_rows
        for each statement execute function record_revisions(%s)', of_table || '_entered', of_table, arguments);
    execute format('create trigger %I after update on %I referencing old table as old_rows new table as new_rows
        for each statement execute function record_revisions(%s)', of_table || '_changed', of_table, arguments);
    execute format('create trigger %I after delete on %I referencing old table as old_rows
        for each statement execute function record_revisions(%s)', of_table || '_removed', of_table, arguments);
    execute format('create trigger %I before truncate on %I
        for each statement execute function refuse_truncate()', of_table || '_no_truncate', of_table);
end
$$;
comment on procedure keep_history is 'Has every change of a table recorded from now on.';

call keep_history('actors', 'actor_id', 'id', 'id', true);
call keep_history('actor_names', 'actor_id', 'actor_id', 'id', false);
call keep_history('actor_identifiers', 'actor_id', 'actor_id', 'id', false);
call keep_history('topics', 'topic_id', 'id', 'id', true);
call keep_history('sources', 'source_id', 'id', 'id', true);
call keep_history('source_authors', 'source_id', 'source_id', 'source_id, actor_id', false);
call keep_history('meetings', 'meeting_id', 'id', 'id', true);
call keep_history('meeting_participants', 'meeting_id', 'meeting_id', 'meeting_id, actor_id', false);
call keep_history('meeting_topics', 'meeting_id', 'meeting_id', 'meeting_id, topic_id', false);
call keep_history('statements', 'statement_id', 'id', 'id', true);
call keep_history('statement_addressees', 'statement_id', 'statement_id', 'statement_id, actor_id', false);
call keep_history('statement_topics', 'statement_id', 'statement_id', 'statement_id, topic_id', false);
call keep_history('commentaries', 'commentary_id', 'id', 'id', true);
call keep_history('commentary_targets', 'commentary_id', 'commentary_id', 'id', false);
call keep_history('relations', 'relation_id', 'id', 'id', true);
call keep_history('positions', 'position_id', 'id', 'id', true);
call keep_history(
    'citations',
    'actor_id, meeting_id, statement_id, commentary_id, topic_id, relation_id, position_id',
    'actor_id, meeting_id, statement_id, commentary_id, topic_id, relation_id, position_id',
    'id',
    false
);
