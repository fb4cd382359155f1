-- A citation may say where its passage begins and ends in the text.

alter table citations
    add column starts integer,
    add column ends integer,
    add constraint citations_start_not_negative check (starts >= 0),
    add constraint citations_start_and_end check ((starts is null) = (ends is null)),
    add constraint citations_start_before_end check (starts < ends);
comment on column citations.starts is 'How many characters of the text are before the passage, where the citation says so.';
comment on column citations.ends is 'How many characters of the text there are up to the end of the passage, where the citation says so.';
comment on constraint citations_start_not_negative on citations is 'A position is 0 or more.';
comment on constraint citations_start_and_end on citations is 'A position has a start and an end.';
comment on constraint citations_start_before_end on citations is 'A position must not end before it starts.';

-- A record may cite several positions of one line.
do $$
declare
    type name;
    registering constant text := pg_get_functiondef('register_record_type'::regproc);
begin
    foreach type in array (select array_agg(left(name, -3)) from unnest(string_to_array(record_columns('citations'), ', ')) name) loop
        execute format('drop index %I', 'citations_' || type || '_key');
        execute format(
            'create unique index %I on citations (%2$I, source_id, locator, words, starts, ends) nulls not distinct where %2$I is not null',
            'citations_' || type || '_key', type || '_id'
        );
    end loop;
    if position('source_id, locator, words)' in registering) = 0 then
        raise exception 'register_record_type has no unique index of citations';
    end if;
    execute replace(registering, 'source_id, locator, words)', 'source_id, locator, words, starts, ends) nulls not distinct');
end
$$;

call rebuild_history_views();
