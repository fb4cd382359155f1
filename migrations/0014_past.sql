-- The base as it stood: every table that has a history, read out of it. What asks for the past is the same
-- statement that asks for today, with the schema `past` first in its way.

create view remembered_columns as
select
    relname as part,
    attnum as place,
    attname as name,
    case
        when kept_in is not null then format('%%1$s.%I', kept_in)
        when is_key then format('(coalesce(%%1$s.new_value, %%1$s.old_value) ->> %L)::%s', attname, type)
        when attgenerated = '' then format('(%%1$s.new_value ->> %L)::%s', attname, type)
    end as kept_as,
    pg_get_expr(adbin, adrelid) as made_of,
    is_key,
    kept_in is null and (attname in ('id', 'slug') or atttypid = 'bigint'::regtype and exists (
        select from pg_constraint where contype = 'f' and conrelid = attrelid and conkey = array[attnum]
    )) as needs_index
from pg_trigger
join pg_class on pg_class.oid = tgrelid
cross join string_to_array(encode(tgargs, 'escape'), '\000') as arguments
join pg_attribute on attrelid = tgrelid and attnum > 0 and not attisdropped
join pg_type on pg_type.oid = atttypid
cross join format_type(coalesce(nullif(typbasetype, 0), atttypid), atttypmod) as type
cross join lateral (select attname = any(string_to_array(arguments[3], ', ')) as is_key) as key
left join unnest(string_to_array(arguments[1], ', '), string_to_array(arguments[2], ', ')) as ids (kept_in, id_column)
    on id_column = attname
left join pg_attrdef on adrelid = attrelid and adnum = attnum and attgenerated <> ''
where tgfoid = 'record_revisions'::regproc and tgname = relname || '_entered';
comment on view remembered_columns is 'The columns of all tables that have a history, and how revisions keep them.';
comment on column remembered_columns.part is 'The table.';
comment on column remembered_columns.place is 'The place of the column in it.';
comment on column remembered_columns.name is 'The column.';
comment on column remembered_columns.kept_as is 'How it is read out of a revision, whose alias %1$s stands for; null where it is made of others.';
comment on column remembered_columns.made_of is 'What it is made of, where it is made of others.';
comment on column remembered_columns.is_key is 'Whether it tells the rows of the table apart, alone or with others.';
comment on column remembered_columns.needs_index is 'Whether rows are looked up by it, and no index of revisions finds them yet.';

-- A row stood if the last change that it had until then left it there. Each change is asked whether there is a
-- later one, rather than all of them which is the last: so a condition on any column reaches the log and its
-- indexes, and only the columns that are wanted are read out of it.
create procedure tell_past()
    language plpgsql as
$$
declare
    today constant text := current_setting('search_path');
    until constant text := 'current_setting(''dossier.as_of'')::bigint';
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

    drop schema if exists past cascade;
    create schema past;
    comment on schema past is 'The tables as they stood after the revision that the setting dossier.as_of names.';
    execute format('create view past.revisions as select * from revisions where id <= %s', until);
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
            'create view past.%1$I as select %2$s from (
                select %3$s from revisions r
                where r.part = %1$L and r.id <= %5$s and r.new_value is not null and not exists (
                    select from revisions later
                    where later.part = %1$L and later.id > r.id and later.id <= %5$s and %4$s
                )
            ) t',
            told.part, told.all_columns, told.kept_columns, told.same_row, until
        );
    end loop;

    -- Views of today are views of the past over the past's tables.
    for told in
        select distinct viewname, definition
        from pg_views
        join pg_rewrite on ev_class = format('%I.%I', schemaname, viewname)::regclass
        join pg_depend on objid = pg_rewrite.oid and classid = 'pg_rewrite'::regclass
        where schemaname = current_schema() and refobjid in (
            select format('%I.%I', current_schema(), relname)::regclass from pg_class where relnamespace = 'past'::regnamespace
        )
    loop
        perform set_config('search_path', 'past, ' || today, true);
        execute format('create view past.%I as %s', told.viewname, told.definition);
        perform set_config('search_path', today, true);
    end loop;
end
$$;
comment on procedure tell_past is 'Makes the past of all tables that have a history; called again when their columns change.';

call tell_past();
