-- What is spoken of, and the documents that everything rests on.

create table topics (
    id bigint generated always as identity primary key,
    slug slug not null constraint topics_slug_key unique,
    name filled_text not null,
    parent_id bigint constraint topics_parent_id_fkey references topics,
    search tsvector not null generated always as (searchable(name, null)) stored
);
comment on table topics is 'Subjects that are spoken of, as parts of larger ones.';
comment on column topics.id is 'Number of the row.';
comment on column topics.slug is 'Stable name for people and addresses.';
comment on column topics.name is 'What the topic is called.';
comment on column topics.parent_id is 'The larger topic that it is part of.';
comment on column topics.search is 'What full-text search finds it by.';

create index topics_by_name on topics (lower(name), id);
create index topics_by_parent on topics (parent_id, lower(name), id);
create index topics_search on topics using gin (search);
create index topics_by_exact_name on topics (name, id);
create index topics_by_plain_name on topics (plain(name) text_pattern_ops);
create index topics_name_trigrams on topics using gin (plain(name) gin_trgm_ops);

-- Shared by topics and meetings. Changes of parents wait for each other, as two of them at once
-- could close a circle that neither sees.
create function refuse_cycle_of_parents() returns trigger
    language plpgsql as
$$
declare
    above bigint := new.parent_id;
    seen bigint[] := array[new.id];
begin
    if tg_op = 'UPDATE' then
        perform pg_advisory_xact_lock(hashtext(tg_table_name || '.parent_id'));
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
comment on function refuse_cycle_of_parents is 'Refuses a parent that is the row itself or lies below it.';

create trigger topics_no_cycle
    after insert or update of parent_id on topics
    for each row when (new.parent_id is not null) execute function refuse_cycle_of_parents();

create table sources (
    id bigint generated always as identity primary key,
    slug slug not null constraint sources_slug_key unique,
    title filled_text not null,
    publisher_id bigint constraint sources_publisher_id_fkey references actors,
    url text constraint sources_url_form check (url ~ '^https?://\S+$'),
    language text constraint sources_language_form check (language ~ '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$'),
    published_on partial_date,
    published_during daterange generated always as (partial_date_range(published_on)) stored,
    reliability source_reliability,
    search tsvector not null generated always as (searchable(title, null)) stored
);
comment on table sources is 'Documents: articles, interviews, transcripts.';
comment on column sources.id is 'Number of the row.';
comment on column sources.slug is 'Stable name for people and addresses.';
comment on column sources.title is 'Its title; in square brackets where the editors devised it, as it has none.';
comment on column sources.publisher_id is 'Who published it.';
comment on column sources.url is 'Where it can be read.';
comment on column sources.language is 'Its language as a BCP 47 tag.';
comment on column sources.published_on is 'When it was published, as exactly as is known.';
comment on column sources.published_during is 'The days that published_on may mean.';
comment on column sources.reliability is 'The Admiralty code''s letter; null where nobody judged.';
comment on column sources.search is 'What full-text search finds it by.';

create index sources_by_title on sources (lower(title), id);
create index sources_by_date on sources ((coalesce(lower(published_during), 'infinity'::date)), id);
create index sources_by_date_backward on sources ((coalesce(lower(published_during), '-infinity'::date)), id);
create index sources_by_publisher on sources (publisher_id, id);
create index sources_by_reliability on sources (reliability, id);
create index sources_by_language on sources (language, id);
create index sources_by_url on sources (url);
create index sources_published_during on sources using gist (published_during);
create index sources_search on sources using gin (search);
create index sources_by_exact_title on sources (title, id);
create index sources_by_plain_title on sources (plain(title) text_pattern_ops);
create index sources_title_trigrams on sources using gin (plain(title) gin_trgm_ops);

create table source_authors (
    source_id bigint constraint source_authors_source_id_fkey references sources on delete cascade,
    actor_id bigint constraint source_authors_actor_id_fkey references actors,
    ordinal integer not null constraint source_authors_ordinal_positive check (ordinal > 0),
    primary key (source_id, actor_id),
    constraint source_authors_ordinal_key unique (source_id, ordinal)
);
comment on table source_authors is 'Who wrote a document.';
comment on column source_authors.source_id is 'The document.';
comment on column source_authors.actor_id is 'One of its authors.';
comment on column source_authors.ordinal is 'The author''s place among them, from 1.';

create index source_authors_by_actor on source_authors (actor_id, source_id);
