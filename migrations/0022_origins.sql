-- Which dataset gave a record, and under which key of its own: a newer edition of the dataset finds the record by it.

create table origins (
    id bigint generated always as identity primary key,
    dataset filled_text not null,
    key filled_text not null,
    constraint origins_one_record check (true)
);
comment on table origins is 'Datasets that give records, with their own keys for them.';
comment on column origins.id is 'Number of the row.';
comment on column origins.dataset is 'The dataset, as the import that read it was told: ep-popolo-v1-0.';
comment on column origins.key is 'What the dataset itself calls the record.';

create index origins_by_dataset on origins (dataset, key);

-- What an edition of a dataset gave, so that the next one changes only this. Not part of the history.
create table origin_digests (
    origin_id bigint primary key
        constraint origin_digests_origin_id_fkey references origins on delete cascade deferrable,
    digests jsonb not null
);
comment on table origin_digests is 'Digests of the values that the last edition of a dataset gave.';
comment on column origin_digests.origin_id is 'The record of the dataset.';
comment on column origin_digests.digests is 'For each field the digest of its value, for each list those of its entries.';

create procedure add_origin_column(of_table name, type name)
    language plpgsql as
$$
declare
    id_column constant name := type || '_id';
    happening text;
begin
    call add_record_column('origins', type, format('The %s that the dataset gives, if it is one.', replace(type, '_', ' ')));
    execute format(
        'alter table origins add constraint %I foreign key (%I) references %I on delete cascade deferrable',
        'origins_' || id_column || '_fkey', id_column, of_table
    );
    execute format('create unique index %I on origins (dataset, key) where %I is not null', 'origins_' || type || '_key', id_column);
    execute format('create index %I on origins (%2$I, dataset, key) where %2$I is not null', 'origins_by_' || type, id_column);
    foreach happening in array '{entered, changed, removed, no_truncate}'::text[] loop
        execute format('drop trigger if exists %I on origins', 'origins_' || happening);
    end loop;
    call keep_history('origins', record_columns('origins'), record_columns('origins'), 'id', false);
end
$$;
comment on procedure add_origin_column is 'Lets datasets give records of a type.';

call add_origin_column('actors', 'actor');
call add_origin_column('meetings', 'meeting');
call add_origin_column('statements', 'statement');
call add_origin_column('commentaries', 'commentary');
call add_origin_column('topics', 'topic');
call add_origin_column('sources', 'source');
call add_origin_column('relations', 'relation');
call add_origin_column('positions', 'position');

do $$
declare
    citing constant text := 'call add_record_column(''citations''';
    registering constant text := pg_get_functiondef('register_record_type'::regproc);
begin
    if position(citing in registering) = 0 then
        raise exception 'register_record_type adds no column to citations';
    end if;
    execute replace(registering, citing, 'call add_origin_column(of_table, type);' || E'\n    ' || citing);
end
$$;

call rebuild_history_views();
