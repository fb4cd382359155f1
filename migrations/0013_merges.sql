-- Actors that turned out to be another, and whom their old ids and slugs now mean.

create table merged_actors (
    id bigint primary key,
    slug slug not null,
    kept_id bigint not null constraint merged_actors_kept_id_fkey references actors on delete cascade
);
comment on table merged_actors is 'Actors that were merged with another.';
comment on column merged_actors.id is 'The id that the actor had.';
comment on column merged_actors.slug is 'The slug that it had: nobody else takes it.';
comment on column merged_actors.kept_id is 'The actor that both now mean.';

create index merged_actors_by_slug on merged_actors (slug);
create index merged_actors_by_kept on merged_actors (kept_id);

call keep_history('merged_actors', 'actor_id', 'kept_id', 'id', false);

-- An address that people have written down keeps its meaning.
create function refuse_slugs_of_merged_actors() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from changed join merged_actors on merged_actors.slug = changed.slug
        where merged_actors.kept_id <> changed.id
    ) then
        raise exception using
            message = 'The slug leads to another actor, with which its own was merged.',
            errcode = 'unique_violation', constraint = 'actors_slug_key', table = 'actors', column = 'slug';
    end if;
    return null;
end
$$;
comment on function refuse_slugs_of_merged_actors is 'Refuses slugs that lead to another actor.';

create trigger actors_slug_leads_nowhere_entered after insert on actors
    referencing new table as changed for each statement execute function refuse_slugs_of_merged_actors();
create trigger actors_slug_leads_nowhere_changed after update on actors
    referencing new table as changed for each statement execute function refuse_slugs_of_merged_actors();

-- What was done is undone from its end, so that a row may come back before the one that it refers to: then
-- references wait for the end of the transaction.
do $$
declare
    of_table regclass;
    reference name;
begin
    for of_table, reference in
        select conrelid, conname from pg_constraint
        where contype = 'f' and connamespace = current_schema()::regnamespace
    loop
        execute format('alter table %s alter constraint %I deferrable', of_table, reference);
    end loop;
end
$$;
