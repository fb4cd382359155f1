-- A record may cite several quotes of one place. Versions of texts keep their numbers.

alter table citations
    add column words text not null generated always as (
        case when quote is null then '' else md5(quote || E'\n' || coalesce(prefix, '') || E'\n' || coalesce(suffix, '')) end
    ) stored;
comment on column citations.words is 'A digest of the quote and the words around it, as a quote may be too long for an index; empty if there is no quote.';

do $$
declare
    type name;
    registering constant text := pg_get_functiondef('register_record_type'::regproc);
begin
    foreach type in array (select array_agg(left(name, -3)) from unnest(string_to_array(record_columns('citations'), ', ')) name) loop
        execute format('drop index %I', 'citations_' || type || '_key');
        execute format(
            'create unique index %I on citations (%2$I, source_id, locator, words) where %2$I is not null',
            'citations_' || type || '_key', type || '_id'
        );
    end loop;
    if position('source_id, locator)' in registering) = 0 then
        raise exception 'register_record_type has no unique index of citations';
    end if;
    execute replace(registering, 'source_id, locator)', 'source_id, locator, words)');
end
$$;

-- An error names the column that is wrong.
alter table citations
    drop constraint citations_words_around_a_quote,
    add constraint citations_prefix_of_a_quote check (quote is not null or prefix is null),
    add constraint citations_suffix_of_a_quote check (quote is not null or suffix is null);
comment on constraint citations_prefix_of_a_quote on citations is 'Words before need a quote.';
comment on constraint citations_suffix_of_a_quote on citations is 'Words after need a quote.';

create function next_text_version(of_source bigint) returns integer
    language sql stable
return 1 + coalesce(greatest(
    (select max(version) from source_texts where source_id = of_source),
    (select max((new_value ->> 'version')::integer) from revisions where source_id = of_source and part = 'source_texts')
), 0);
comment on function next_text_version is 'The number of the next version of a source''s text. A version that was taken back keeps its number.';

create or replace function number_source_text() returns trigger
    language plpgsql as
$$
begin
    new.version := coalesce(new.version, next_text_version(new.source_id));
    new.media_type := coalesce(new.media_type, 'text/plain');
    return new;
end
$$;

comment on function number_source_text is 'Numbers the versions of a source''s text; a text without a media type is plain.';

drop trigger source_texts_numbered on source_texts;
create trigger source_texts_numbered before insert on source_texts
    for each row when (new.version is null or new.media_type is null) execute function number_source_text();

create function refuse_taking_cited_text() returns trigger
    language plpgsql as
$$
begin
    if exists (select from citations where source_id = old.source_id and version = old.version) and not exists (
        select from source_texts where source_id = old.source_id and version = old.version
    ) then
        perform refuse(
            'source_texts_cited', 'source_texts', 'version',
            format('Citations are of version %s of the text: change or revert them before.', old.version)
        );
    end if;
    return null;
end
$$;
comment on function refuse_taking_cited_text is 'Refuses to take back a version of a text that citations are of.';

create constraint trigger source_texts_cited after delete on source_texts
    deferrable initially deferred for each row execute function refuse_taking_cited_text();

call rebuild_history_views();
