-- What an import has read, kept until it has come to an end: one that was interrupted goes on after it.

create schema importing;
comment on schema importing is 'What an import has read: tables that are made when it begins, and dropped when it has come to an end.';

-- Unlogged as those tables are, so that a crash of Postgres empties both or neither.
create unlogged table importing.batches (
    records bigint primary key,
    digest bytea not null
);
comment on table importing.batches is 'The batches of records that the import in progress, or the one that was interrupted, has read.';
comment on column importing.batches.records is 'How many records of the input there are until the end of the batch.';
comment on column importing.batches.digest is 'The SHA-256 of what was made of them, by which the same input is known again.';

-- Those tables have columns of our types: a migration that drops or changes one calls this first.
create procedure importing.forget()
    language plpgsql as
$$
declare
    staged name;
begin
    for staged in select tablename from pg_tables where schemaname = 'importing' and tablename <> 'batches' loop
        execute format('drop table importing.%I', staged);
    end loop;
    delete from importing.batches;
end
$$;
comment on procedure importing.forget is 'Drops what an import has read.';
