-- What somebody said or wrote.

create table statements (
    id bigint generated always as identity primary key,
    slug slug not null constraint statements_slug_key unique,
    speaker_id bigint not null constraint statements_speaker_id_fkey references actors,
    on_behalf_of_id bigint constraint statements_on_behalf_of_id_fkey references actors,
    speaker_role filled_text,
    meeting_id bigint constraint statements_meeting_id_fkey references meetings,
    publication_id bigint constraint statements_publication_id_fkey references actors,
    medium statement_medium not null,
    rendering statement_rendering not null,
    summary filled_text not null,
    quote filled_text,
    event_type text not null constraint statements_event_type_fkey references event_types,
    said_on partial_date,
    said_during daterange generated always as (partial_date_range(said_on)) stored,
    search tsvector not null generated always as (searchable(summary, quote)) stored,
    constraint statements_quote_iff_verbatim check ((rendering = 'VERBATIM') = (quote is not null)),
    constraint statements_meeting_or_publication check (num_nonnulls(meeting_id, publication_id) <= 1),
    constraint statements_on_behalf_of_another check (on_behalf_of_id <> speaker_id)
);
comment on table statements is 'What somebody said or wrote, where, to whom, and on what.';
comment on column statements.id is 'Number of the row.';
comment on column statements.slug is 'Stable name for people and addresses.';
comment on column statements.speaker_id is 'Who said it; never a place or a territory.';
comment on column statements.on_behalf_of_id is 'For whom the speaker spoke, where that was another.';
comment on column statements.speaker_role is 'The speaker''s office or role when it was said.';
comment on column statements.meeting_id is 'The meeting at which it was said.';
comment on column statements.publication_id is 'The publication in which it appeared.';
comment on column statements.medium is 'How it was made.';
comment on column statements.rendering is 'How closely the record follows the words.';
comment on column statements.summary is 'What was said, in the editors'' words.';
comment on column statements.quote is 'The speaker''s own words; there exactly where the rendering is verbatim.';
comment on column statements.event_type is 'What is done by saying it.';
comment on column statements.said_on is 'When it was said, as exactly as is known.';
comment on column statements.said_during is 'The days that said_on may mean.';
comment on column statements.search is 'What full-text search finds it by.';

create index statements_by_date on statements ((coalesce(lower(said_during), 'infinity'::date)), id);
create index statements_by_date_backward on statements ((coalesce(lower(said_during), '-infinity'::date)), id);
create index statements_by_speaker on statements (speaker_id, (coalesce(lower(said_during), 'infinity'::date)), id);
create index statements_by_speaker_backward on statements (speaker_id, (coalesce(lower(said_during), '-infinity'::date)), id);
create index statements_by_meeting on statements (meeting_id, (coalesce(lower(said_during), 'infinity'::date)), id);
create index statements_by_meeting_backward on statements (meeting_id, (coalesce(lower(said_during), '-infinity'::date)), id);
create index statements_by_publication on statements (publication_id, id);
create index statements_by_on_behalf_of on statements (on_behalf_of_id, id);
create index statements_by_event_type on statements (event_type, id);
create index statements_by_medium on statements (medium, id);
create index statements_by_rendering on statements (rendering, id);
create index statements_said_during on statements using gist (said_during);
create index statements_search on statements using gin (search);
create index statements_by_speaker_role on statements (speaker_role, id);
create index statements_speaker_role_trigrams on statements using gin (plain(speaker_role) gin_trgm_ops);
create index statements_summary_trigrams on statements using gin (plain(summary) gin_trgm_ops);
create index statements_quote_trigrams on statements using gin (plain(quote) gin_trgm_ops);

-- One look at all the rows of a command, rather than one for each row: records come by the million.
create function check_speakers_and_publications() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from changed join actors on actors.id = changed.speaker_id
        where actors.kind in ('PLACE', 'TERRITORY')
    ) then
        perform refuse('statements_speaker_kind', 'statements', 'speaker_id', 'A place or a territory does not speak.');
    end if;
    if exists (
        select from changed join actors on actors.id = changed.publication_id
        where actors.kind <> 'MEDIA'
    ) then
        perform refuse('statements_publication_kind', 'statements', 'publication_id', 'A publication is an actor of kind MEDIA.');
    end if;
    return null;
end
$$;
comment on function check_speakers_and_publications is 'Refuses speakers and publications of the wrong kind.';

create trigger statements_kinds_entered after insert on statements
    referencing new table as changed for each statement execute function check_speakers_and_publications();
create trigger statements_kinds_changed after update on statements
    referencing new table as changed for each statement execute function check_speakers_and_publications();

create function check_kinds_of_actors_in_use() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from changed join statements on statements.speaker_id = changed.id
        where changed.kind in ('PLACE', 'TERRITORY')
    ) then
        perform refuse('statements_speaker_kind', 'actors', 'kind', 'It has spoken: it is no place or territory.');
    end if;
    if exists (
        select from changed join statements on statements.publication_id = changed.id
        where changed.kind <> 'MEDIA'
    ) then
        perform refuse('statements_publication_kind', 'actors', 'kind', 'Statements appeared in it: it is a publication.');
    end if;
    if exists (
        select from changed join meetings on meetings.venue_id = changed.id
        where changed.kind not in ('PLACE', 'ORGANIZATION')
    ) then
        perform refuse('meetings_venue_kind', 'actors', 'kind', 'Meetings were held there: it is a place or an organization.');
    end if;
    return null;
end
$$;
comment on function check_kinds_of_actors_in_use is 'Refuses a kind that an actor''s part in statements and meetings rules out.';

create trigger actors_kind_changed after update on actors
    referencing new table as changed for each statement execute function check_kinds_of_actors_in_use();

create table statement_addressees (
    statement_id bigint constraint statement_addressees_statement_id_fkey references statements on delete cascade,
    actor_id bigint constraint statement_addressees_actor_id_fkey references actors,
    primary key (statement_id, actor_id)
);
comment on table statement_addressees is 'To whom a statement was made.';
comment on column statement_addressees.statement_id is 'The statement.';
comment on column statement_addressees.actor_id is 'To whom it was made.';

create index statement_addressees_by_actor on statement_addressees (actor_id, statement_id);

create table statement_topics (
    statement_id bigint constraint statement_topics_statement_id_fkey references statements on delete cascade,
    topic_id bigint constraint statement_topics_topic_id_fkey references topics,
    primary key (statement_id, topic_id)
);
comment on table statement_topics is 'What a statement is on.';
comment on column statement_topics.statement_id is 'The statement.';
comment on column statement_topics.topic_id is 'A topic that it is on.';

create index statement_topics_by_topic on statement_topics (topic_id, statement_id);
