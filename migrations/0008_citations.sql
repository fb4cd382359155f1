-- Which passage of which source supports which record.

create table citations (
    id bigint generated always as identity primary key,
    source_id bigint not null constraint citations_source_id_fkey references sources,
    locator filled_text not null,
    actor_id bigint constraint citations_actor_id_fkey references actors on delete cascade,
    meeting_id bigint constraint citations_meeting_id_fkey references meetings on delete cascade,
    statement_id bigint constraint citations_statement_id_fkey references statements on delete cascade,
    commentary_id bigint constraint citations_commentary_id_fkey references commentaries on delete cascade,
    topic_id bigint constraint citations_topic_id_fkey references topics on delete cascade,
    relation_id bigint constraint citations_relation_id_fkey references relations on delete cascade,
    position_id bigint constraint citations_position_id_fkey references positions on delete cascade,
    constraint citations_one_record check (
        num_nonnulls(actor_id, meeting_id, statement_id, commentary_id, topic_id, relation_id, position_id) = 1
    )
);
comment on table citations is 'Passages of sources that support records.';
comment on column citations.id is 'Number of the row.';
comment on column citations.source_id is 'The document.';
comment on column citations.locator is 'Where in the document: L12 is its twelfth line.';
comment on column citations.actor_id is 'The actor that it supports, if it is one.';
comment on column citations.meeting_id is 'The meeting that it supports, if it is one.';
comment on column citations.statement_id is 'The statement that it supports, if it is one.';
comment on column citations.commentary_id is 'The commentary that it supports, if it is one.';
comment on column citations.topic_id is 'The topic that it supports, if it is one.';
comment on column citations.relation_id is 'The relation that it supports, if it is one.';
comment on column citations.position_id is 'The position that it supports, if it is one.';

-- Unique within each kind of record, and the way from the record to its citations.
create index citations_by_source on citations (source_id, id);
create index citations_by_locator on citations (locator, id);
create unique index citations_actor_key on citations (actor_id, source_id, locator) where actor_id is not null;
create unique index citations_meeting_key on citations (meeting_id, source_id, locator) where meeting_id is not null;
create unique index citations_statement_key on citations (statement_id, source_id, locator) where statement_id is not null;
create unique index citations_commentary_key on citations (commentary_id, source_id, locator) where commentary_id is not null;
create unique index citations_topic_key on citations (topic_id, source_id, locator) where topic_id is not null;
create unique index citations_relation_key on citations (relation_id, source_id, locator) where relation_id is not null;
create unique index citations_position_key on citations (position_id, source_id, locator) where position_id is not null;

-- A record and its first citation come in one transaction; whether it has one is asked at its end.
create function require_citation() returns trigger
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
        perform refuse(of_table || '_cited', of_table, 'citations', 'It needs at least one citation.');
    end if;
    return null;
end
$$;
comment on function require_citation is 'Refuses a record that no citation supports.';

create constraint trigger statements_cited after insert on statements
    deferrable initially deferred for each row execute function require_citation('statement_id', 'statements');
create constraint trigger commentaries_cited after insert on commentaries
    deferrable initially deferred for each row execute function require_citation('commentary_id', 'commentaries');
create constraint trigger relations_cited after insert on relations
    deferrable initially deferred for each row execute function require_citation('relation_id', 'relations');
create constraint trigger positions_cited after insert on positions
    deferrable initially deferred for each row execute function require_citation('position_id', 'positions');

create constraint trigger statements_still_cited after delete or update on citations
    deferrable initially deferred for each row when (old.statement_id is not null)
    execute function require_citation('statement_id', 'statements');
create constraint trigger commentaries_still_cited after delete or update on citations
    deferrable initially deferred for each row when (old.commentary_id is not null)
    execute function require_citation('commentary_id', 'commentaries');
create constraint trigger relations_still_cited after delete or update on citations
    deferrable initially deferred for each row when (old.relation_id is not null)
    execute function require_citation('relation_id', 'relations');
create constraint trigger positions_still_cited after delete or update on citations
    deferrable initially deferred for each row when (old.position_id is not null)
    execute function require_citation('position_id', 'positions');
