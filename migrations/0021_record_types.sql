-- Functions have names that say what they do, and one call registers a table of records with the history.

create function lock_revision_numbers() returns void
    language sql as
$$
    select pg_advisory_xact_lock('revisions'::regclass::oid::bigint)
$$;
comment on function lock_revision_numbers is
    'Locks the numbers of revisions until the end of the transaction, so that they are in the order of commits.';

-- Servers of the version before call it by its old name.
create or replace function take_turn() returns void
    language sql as
$$
    select lock_revision_numbers()
$$;
comment on function take_turn is 'The old name of lock_revision_numbers.';

create or replace function begin_change() returns bigint
    language plpgsql as
$$
declare
    change bigint := nullif(current_setting('dossier.change', true), '');
begin
    if change is null then
        perform lock_revision_numbers();
        select last_value + is_called::integer into change from revisions_id_seq;
        perform set_config('dossier.change', change::text, true);
        perform pg_notify(own_name('revisions'), change::text);
    end if;
    return change;
end
$$;

alter view remembered_columns rename to history_columns;
drop procedure tell_past();

create procedure rebuild_history_views()
    language plpgsql as
$$
declare
    today constant text := current_setting('search_path');
    here constant name := current_schema();
    until constant text := 'current_setting(''dossier.as_of'')::bigint';
    mark constant text := 'The tables as they stood after the revision that the setting dossier.as_of names.';
    past name;
    made text;
    told record;
begin
    for told in
        select part, name, '(' || format(kept_as, 'revisions') || ')' || case when is_key then ', id' else '' end as columns
        from history_columns where needs_index
    loop
        execute format(
            'create index if not exists revisions_%1$s_by_%2$s on revisions (%3$s) where part = %1$L', told.part, told.name, told.columns
        );
    end loop;

    for past in
        select own_name('past')
        union all
        select distinct nspname from pg_depend
        join pg_rewrite on pg_rewrite.oid = objid and classid = 'pg_rewrite'::regclass
        join pg_class on pg_class.oid = ev_class
        join pg_namespace n on n.oid = relnamespace
        where refobjid = 'revisions'::regclass and nspname = 'past' and relname = 'revisions'
        and obj_description(n.oid, 'pg_namespace') = mark
    loop
        if to_regnamespace(quote_ident(past)) is null then
            execute format('create schema %I', past);
            execute format('comment on schema %I is %L', past, mark);
        elsif obj_description(to_regnamespace(quote_ident(past)), 'pg_namespace') is distinct from mark then
            raise exception 'The schema % is not Dossier''s. Give it another name.', past;
        end if;
        -- All at once, because they depend on each other. Without cascade: objects of others are not dropped.
        select string_agg(format('%I.%I', past, relname), ', ') into made
        from pg_class where relnamespace = to_regnamespace(quote_ident(past)) and relkind = 'v';
        if made is not null then
            execute 'drop view ' || made;
        end if;

        execute format('create view %I.revisions as select * from revisions where id <= %s', past, until);
        for told in
            select
                part,
                string_agg(coalesce(made_of || ' as ', '') || quote_ident(name), ', ' order by place) as all_columns,
                string_agg(format(kept_as, 'r') || ' as ' || quote_ident(name), ', ') as kept_columns,
                string_agg(format(kept_as, 'later') || ' = ' || format(kept_as, 'r'), ' and ') filter (where is_key) as same_row
            from history_columns
            group by part
        loop
            execute format(
                'create view %6$I.%1$I as select %2$s from (
                    select %3$s from revisions r
                    where r.part = %1$L and r.id <= %5$s and r.new_value is not null and not exists (
                        select from revisions later
                        where later.part = %1$L and later.id > r.id and later.id <= %5$s and %4$s
                    )
                ) t',
                told.part, told.all_columns, told.kept_columns, told.same_row, until, past
            );
        end loop;

        -- Views over these tables exist over their history too.
        for told in
            select distinct viewname, definition
            from pg_views
            join pg_rewrite on ev_class = format('%I.%I', schemaname, viewname)::regclass
            join pg_depend on objid = pg_rewrite.oid and classid = 'pg_rewrite'::regclass
            where schemaname = here and refobjid in (
                select format('%I.%I', here, relname)::regclass from pg_class where relnamespace = to_regnamespace(quote_ident(past))
            )
        loop
            perform set_config('search_path', quote_ident(past) || ', ' || today, true);
            execute format('create view %I.%I as %s', past, told.viewname, told.definition);
            perform set_config('search_path', today, true);
        end loop;

        -- Who may read a table may read its history.
        for told in
            select relname, case grantee when 0 then 'public' else grantee::regrole::text end as reader
            from pg_class cross join aclexplode(relacl)
            where relnamespace = here::regnamespace and privilege_type = 'SELECT' and grantee <> relowner
            and to_regclass(format('%I.%I', past, relname)) is not null
        loop
            execute format('grant usage on schema %1$I to %3$s; grant select on %1$I.%2$I to %3$s', past, told.relname, told.reader);
        end loop;
    end loop;
end
$$;
comment on procedure rebuild_history_views is
    'Rebuilds the views that show all tables with a history as of a revision. A migration that changes their columns calls it.';

create function record_columns(of_table name) returns text
    language sql stable
return (
    select string_agg(quote_ident(attname), ', ' order by attnum)
    from pg_attribute
    where attrelid = of_table::text::regclass and attnum > 0 and not attisdropped
    and attname like '%\_id' and not (of_table = 'citations' and attname = 'source_id')
);
comment on function record_columns is 'The columns of revisions or citations that name the record, one for each type.';

create procedure add_record_column(of_table name, type name, described text)
    language plpgsql as
$$
declare
    id_column constant name := type || '_id';
    one_record constant name := of_table || '_one_record';
    rule text;
begin
    select obj_description(oid, 'pg_constraint') into rule
    from pg_constraint where conrelid = of_table::text::regclass and conname = one_record;
    execute format('alter table %I add column %I bigint', of_table, id_column);
    execute format('comment on column %I.%I is %L', of_table, id_column, described);
    execute format('alter table %I drop constraint %I', of_table, one_record);
    execute format(
        'alter table %I add constraint %I check (num_nonnulls(%s) = 1) not valid', of_table, one_record, record_columns(of_table)
    );
    execute format('alter table %I validate constraint %I', of_table, one_record);
    if rule is not null then
        execute format('comment on constraint %I on %I is %L', one_record, of_table, rule);
    end if;
end
$$;
comment on procedure add_record_column is 'Adds the column for a type of record to revisions or citations.';

create procedure register_record_type(of_table name, type name, needs_citation boolean default true)
    language plpgsql as
$$
declare
    id_column constant name := type || '_id';
    called constant text := replace(type, '_', ' ');
    happening text;
begin
    call add_record_column('revisions', type, format('The %s that changed, if it is one.', called));
    execute format('create index %I on revisions (%2$I, id) where %2$I is not null', 'revisions_by_' || type, id_column);

    call add_record_column('citations', type, format('The %s that it supports, if it is one.', called));
    execute format(
        'alter table citations add constraint %I foreign key (%I) references %I on delete cascade deferrable',
        'citations_' || id_column || '_fkey', id_column, of_table
    );
    execute format(
        'create unique index %I on citations (%2$I, source_id, locator) where %2$I is not null',
        'citations_' || type || '_key', id_column
    );
    foreach happening in array '{entered, changed, removed, no_truncate}'::text[] loop
        execute format('drop trigger %I on citations', 'citations_' || happening);
    end loop;
    call keep_history('citations', record_columns('citations'), record_columns('citations'), 'id', false);
    if needs_citation then
        execute format(
            'create constraint trigger %I after insert on %I deferrable initially deferred
             for each row execute function require_citation(%L, %L)',
            of_table || '_cited', of_table, id_column, of_table
        );
        execute format(
            'create constraint trigger %I after delete or update on citations deferrable initially deferred
             for each row when (old.%I is not null) execute function require_citation(%L, %L)',
            of_table || '_still_cited', id_column, id_column, of_table
        );
    end if;

    call keep_history(of_table, id_column, 'id', 'id', true);
    call rebuild_history_views();
end
$$;
comment on procedure register_record_type is
    'Registers a table of records: its history, its citations, and its rows as of a revision. Tables of lists that its records own are given to keep_history before.';

-- Generated columns of any table are no part of its history.
do $$
declare
    listed constant text := 'derived constant text[] := ''{';
    recording constant text := pg_get_functiondef('record_revisions'::regproc);
begin
    if position(listed in recording) = 0 then
        raise exception 'record_revisions has no list of derived columns';
    end if;
    execute replace(
        recording, listed,
        'derived constant text[] := array(
             select attname::text from pg_attribute where attrelid = tg_relid and attgenerated <> ''''
         ) || ''{'
    );
end
$$;

call rebuild_history_views();
