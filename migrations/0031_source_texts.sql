-- Texts of sources, in versions. Each text is kept once, under its SHA-256, cut into passages that make it up.

create table text_contents (
    sha256 text primary key constraint text_contents_sha256_form check (sha256 ~ '^[0-9a-f]{64}$'),
    characters integer not null constraint text_contents_characters_positive check (characters > 0)
);
comment on table text_contents is 'Texts, each by its SHA-256. Not part of the history, as they never change.';
comment on column text_contents.sha256 is 'The SHA-256 of the text in UTF-8.';
comment on column text_contents.characters is 'How many characters it has.';

create table text_passages (
    sha256 text constraint text_passages_sha256_fkey references text_contents deferrable initially deferred,
    number integer constraint text_passages_number_positive check (number > 0),
    starts integer not null,
    ends integer not null,
    line integer not null,
    page integer,
    section text,
    seconds integer,
    text text not null,
    search tsvector not null generated always as (searchable(null, text)) stored,
    primary key (sha256, number),
    constraint text_passages_length check (starts >= 0 and ends - starts = length(text) and ends > starts)
);
comment on table text_passages is 'The passages that make up a text: put together in order, they are the text.';
comment on column text_passages.sha256 is 'The text.';
comment on column text_passages.number is 'Its position in the text, from 1.';
comment on column text_passages.starts is 'How many characters of the text are before it.';
comment on column text_passages.ends is 'How many characters of the text there are up to its end.';
comment on column text_passages.line is 'The line of the text on which it starts, from 1.';
comment on column text_passages.page is 'The page on which it starts, from 1, if the text has pages.';
comment on column text_passages.section is 'The section that it is in, if the text has sections.';
comment on column text_passages.seconds is 'The time of a recording at which it starts, if the text has times.';
comment on column text_passages.text is 'Its words, with the white space after them.';
comment on column text_passages.search is 'What full-text search finds it by.';

create index text_passages_search on text_passages using gin (search);

create function refuse_changing_text() returns trigger
    language plpgsql as
$$
begin
    perform refuse(tg_table_name || '_immutable', tg_table_name, 'sha256', 'A text stays as it is: attach a new version.');
    return null;
end
$$;
comment on function refuse_changing_text is 'Refuses to change or remove a text.';

create trigger text_contents_immutable before update or delete or truncate on text_contents
    for each statement execute function refuse_changing_text();
create trigger text_passages_immutable before update or delete or truncate on text_passages
    for each statement execute function refuse_changing_text();

create table source_texts (
    id bigint generated always as identity primary key,
    source_id bigint not null constraint source_texts_source_id_fkey references sources on delete cascade deferrable,
    version integer not null constraint source_texts_version_positive check (version > 0),
    -- Checked at the end, as an import checks its rows before it has written their texts.
    sha256 text not null constraint source_texts_sha256_fkey references text_contents deferrable initially deferred,
    media_type text not null constraint source_texts_media_type_form check (media_type ~ '^[a-z]+/[a-z0-9.+-]+$'),
    language text constraint source_texts_language_form check (language ~ '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$'),
    taken_from text constraint source_texts_taken_from_form check (taken_from ~ '^https?://\S+$'),
    taken_on partial_date,
    constraint source_texts_version_key unique (source_id, version)
);
comment on table source_texts is 'The texts of sources, in versions.';
comment on column source_texts.id is 'Number of the row.';
comment on column source_texts.source_id is 'Whose text it is.';
comment on column source_texts.version is 'The number of the version among those of the source, from 1.';
comment on column source_texts.sha256 is 'The text.';
comment on column source_texts.media_type is 'The media type of the document that the text was taken from.';
comment on column source_texts.language is 'Its language as a BCP 47 tag.';
comment on column source_texts.taken_from is 'The address that it was taken from.';
comment on column source_texts.taken_on is 'When it was taken, as exactly as is known.';
comment on constraint source_texts_media_type_form on source_texts is 'It takes a media type: text/plain, text/html, application/pdf.';
comment on constraint source_texts_language_form on source_texts is 'It takes a BCP 47 tag: en, kk, zh-Hans.';
comment on constraint source_texts_taken_from_form on source_texts is 'It takes an address that begins with http:// or https://.';

create index source_texts_by_sha256 on source_texts (sha256);

create function number_source_text() returns trigger
    language plpgsql as
$$
begin
    select coalesce(max(version), 0) + 1 into new.version from source_texts where source_id = new.source_id;
    return new;
end
$$;
comment on function number_source_text is 'Numbers the versions of a source''s text.';

create trigger source_texts_numbered before insert on source_texts
    for each row when (new.version is null) execute function number_source_text();
create trigger source_texts_immutable before update on source_texts
    for each statement execute function refuse_changing_text();

call keep_history('source_texts', 'source_id', 'source_id', 'id', false);
call rebuild_history_views();
