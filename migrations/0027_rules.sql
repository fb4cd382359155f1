-- Rules on kinds of actors are rows of one function, which triggers and imports read. Each rule has one message.

create function actor_kind_rules()
    returns table (rule name, of_table name, of_column name, wrong_kinds text, message text, actor_message text)
    language sql immutable parallel safe as
$rules$
    values
        (
            'statements_speaker_kind'::name, 'statements'::name, 'speaker_id'::name, $$in ('PLACE', 'TERRITORY')$$,
            'A place or a territory can''t be a speaker.',
            'The actor is the speaker of statements, so it can''t be a place or a territory.'
        ),
        (
            'statements_publication_kind', 'statements', 'publication_id', $$<> 'MEDIA'$$,
            'A publication must be an actor of kind MEDIA.',
            'The actor is the publication of statements, so its kind must be MEDIA.'
        ),
        (
            'meetings_venue_kind', 'meetings', 'venue_id', $$not in ('PLACE', 'ORGANIZATION')$$,
            'A venue must be a place or an organization.',
            'The actor is the venue of meetings, so it must be a place or an organization.'
        )
$rules$;
comment on function actor_kind_rules is
    'The kinds of actors that a column must not refer to, with the messages for the record and for an actor that changes to such a kind.';

-- One look at all rows of a command, rather than one per row: imports write many rows per command.
create function check_actor_kinds() returns trigger
    language plpgsql as
$$
declare
    kinds record;
    is_broken boolean;
begin
    for kinds in select * from actor_kind_rules() where of_table = tg_table_name loop
        execute format(
            'select exists (select from changed join actors on actors.id = changed.%I where actors.kind %s)',
            kinds.of_column, kinds.wrong_kinds
        ) into is_broken;
        if is_broken then
            perform refuse(kinds.rule, kinds.of_table, kinds.of_column, kinds.message);
        end if;
    end loop;
    return null;
end
$$;
comment on function check_actor_kinds is 'Refuses rows that refer to actors of a wrong kind.';

create or replace function check_kinds_of_actors_in_use() returns trigger
    language plpgsql as
$$
declare
    kinds record;
    is_broken boolean;
begin
    for kinds in select * from actor_kind_rules() loop
        execute format(
            'select exists (select from changed join %I r on r.%I = changed.id where changed.kind %s)',
            kinds.of_table, kinds.of_column, kinds.wrong_kinds
        ) into is_broken;
        if is_broken then
            perform refuse(kinds.rule, 'actors', 'kind', kinds.actor_message);
        end if;
    end loop;
    return null;
end
$$;

drop trigger meetings_venue_kind_entered on meetings;
drop trigger meetings_venue_kind_changed on meetings;
drop function check_venues();
create trigger meetings_kinds_entered after insert on meetings
    referencing new table as changed for each statement execute function check_actor_kinds();
create trigger meetings_kinds_changed after update on meetings
    referencing new table as changed for each statement execute function check_actor_kinds();

drop trigger statements_kinds_entered on statements;
drop trigger statements_kinds_changed on statements;
drop function check_speakers_and_publications();
create trigger statements_kinds_entered after insert on statements
    referencing new table as changed for each statement execute function check_actor_kinds();
create trigger statements_kinds_changed after update on statements
    referencing new table as changed for each statement execute function check_actor_kinds();

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
            perform refuse(tg_table_name || '_no_cycle', tg_table_name, 'parent_id', 'The record would be its own ancestor.');
        end if;
        seen := seen || above;
        execute format('select parent_id from %I where id = $1', tg_table_name) into above using above;
    end loop;
    return null;
end
$$;

create or replace function require_citation() returns trigger
    language plpgsql as
$$
declare
    of_column constant name := tg_argv[0];
    of_table constant name := tg_argv[1];
    record_id bigint;
    cited boolean;
begin
    record_id := case when tg_table_name = 'citations' then to_jsonb(old) ->> of_column else to_jsonb(new) ->> 'id' end;
    execute format(
        'select exists (select from citations where %1$I = $1) or not exists (select from %2$I where id = $1)',
        of_column, of_table
    ) into cited using record_id;
    if not cited then
        perform refuse(of_table || '_cited', of_table, 'citations', 'At least one entry is required.');
    end if;
    return null;
end
$$;

create or replace function refuse_slugs_of_merged_actors() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from changed join merged_actors on merged_actors.slug = changed.slug
        where merged_actors.kept_id <> changed.id
    ) then
        raise exception using
            message = 'This slug belonged to a record that was merged into another.',
            errcode = 'unique_violation', constraint = 'actors_slug_key', table = 'actors', column = 'slug';
    end if;
    return null;
end
$$;
