-- What lies beside the schema of the tables has names of ours: those of others stay, and two Dossiers in two
-- schemas of one database don't meet.

create function own_name(what text) returns name
    language sql stable
return (case current_schema() when 'public' then 'dossier' else current_schema() end || '_' || what)::name;
comment on function own_name is 'The name of a schema or channel that belongs to the schema in use.';

-- Those who change parents in another schema need not be waited for.
create or replace function refuse_cycle_of_parents() returns trigger
    language plpgsql as
$$
declare
    above bigint := new.parent_id;
    seen bigint[] := array[new.id];
begin
    if tg_op = 'UPDATE' then
        perform pg_advisory_xact_lock(tg_relid::bigint);
    end if;
    while above is not null loop
        if above = any(seen) then
            perform refuse(tg_table_name || '_no_cycle', tg_table_name, 'parent_id', 'It would be part of itself.');
        end if;
        seen := seen || above;
        execute format('select parent_id from %I where id = $1', tg_table_name) into above using above;
    end loop;
    return null;
end
$$;

create or replace function begin_change() returns bigint
    language plpgsql as
$$
declare
    change bigint := nullif(current_setting('dossier.change', true), '');
begin
    if change is null then
        perform take_turn();
        select last_value + is_called::integer into change from revisions_id_seq;
        perform set_config('dossier.change', change::text, true);
        perform pg_notify(own_name('revisions'), change::text);
    end if;
    return change;
end
$$;

do $$
begin
    if to_regnamespace(quote_ident(own_name('importing'))) is null then
        execute format('alter schema importing rename to %I', own_name('importing'));
    end if;
    execute format('drop procedure %I.forget()', own_name('importing'));
end
$$;

create procedure forget_import()
    language plpgsql as
$$
declare
    own constant name := own_name('importing');
    staged name;
begin
    for staged in select tablename from pg_tables where schemaname = own and tablename <> 'batches' loop
        execute format('drop table %I.%I', own, staged);
    end loop;
    execute format('delete from %I.batches', own);
end
$$;
comment on procedure forget_import is 'Drops what an import has read. Its tables have columns of our types: a migration that drops or changes one calls this first.';

-- A server that runs while this is applied reads the past where it was, so that schema is kept up to date too.
-- A later migration drops it.
create or replace procedure tell_past()
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
        from remembered_columns where needs_index
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
        -- All at once, as they rest on each other; nothing that others have made of them goes along.
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
            from remembered_columns
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

        -- Views of today are views of the past over the past's tables.
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

        -- Whoever may read a table may read how it stood.
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

call tell_past();
