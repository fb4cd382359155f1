-- Full-text search finds names, summaries, questions, quotes and texts by the stems of their own language.

alter table actors drop column search,
    add column search tsvector not null generated always as (searchable(name, name_language, summary, summary_language)) stored;
alter table actor_names drop column search,
    add column search tsvector not null generated always as (searchable(name, language, null, null)) stored;
alter table meetings drop column search,
    add column search tsvector not null generated always as (searchable(name, name_language, summary, summary_language)) stored;
alter table statements drop column search,
    add column search tsvector not null generated always as (
        searchable(summary, summary_language, quote, coalesce(quote_language, language))
    ) stored;
alter table events drop column search,
    add column search tsvector not null generated always as (searchable(name, name_language, summary, summary_language)) stored;
alter table commentaries drop column search,
    add column search tsvector not null generated always as (
        searchable(question, question_language, summary, summary_language)
    ) stored;
alter table topics drop column search,
    add column search tsvector not null generated always as (searchable(name, name_language, null, null)) stored;
alter table sources drop column search,
    add column search tsvector not null generated always as (searchable(title, title_language, null, null)) stored;
alter table motions drop column search,
    add column search tsvector not null generated always as (searchable(name, name_language, summary, summary_language)) stored;

-- A text is kept once, with the language of the version that brought it.
alter table text_passages add column language language_tag;
comment on column text_passages.language is 'Its language as a BCP 47 tag, where known.';
alter table text_passages disable trigger text_passages_immutable;
update text_passages p set language = t.language from source_texts t where t.sha256 = p.sha256 and t.language is not null;
alter table text_passages enable trigger text_passages_immutable;

-- The view of passages and its copy over the history look at the column.
do $$
declare
    seen record;
begin
    for seen in
        select distinct ev_class::regclass as reader from pg_rewrite
        join pg_depend on objid = pg_rewrite.oid and classid = 'pg_rewrite'::regclass
        join pg_class on pg_class.oid = ev_class and relname = 'source_passages'
        where refobjid = 'text_passages'::regclass
    loop
        execute format('drop view %s', seen.reader);
    end loop;
end
$$;

alter table text_passages drop column search,
    add column search tsvector not null generated always as (searchable(null, null, text, language)) stored;

create view source_passages as
select source_texts.source_id, text_passages.sha256, text_passages.number, text_passages.text, text_passages.language, text_passages.search
from source_texts
join text_passages on text_passages.sha256 = source_texts.sha256
where not exists (
    select from source_texts later
    where later.source_id = source_texts.source_id and later.version > source_texts.version
);
comment on view source_passages is 'The passages of the last version of each source''s text.';
comment on column source_passages.source_id is 'The source.';
comment on column source_passages.sha256 is 'The text.';
comment on column source_passages.number is 'The position of the passage in the text, from 1.';
comment on column source_passages.text is 'Its words.';
comment on column source_passages.language is 'Its language as a BCP 47 tag, where known.';
comment on column source_passages.search is 'What full-text search finds it by.';

do $$
declare
    of_table name;
begin
    foreach of_table in array '{actors,actor_names,meetings,statements,events,commentaries,topics,sources,motions,text_passages}'::name[] loop
        execute format('comment on column %I.search is ''What full-text search finds it by.''', of_table);
        execute format('create index %I on %I using gin (search)', of_table || '_search', of_table);
    end loop;
end
$$;

-- A record that has the words as they are, or English ones, ranks as if there were no other languages.
create function search_rank(search tsvector, query tsquery, english tsquery) returns real
    language sql immutable parallel safe
return coalesce(nullif(ts_rank(search, english, 32), 0), ts_rank('{0.4, 1, 0.4, 1}'::real[], search, query, 32));
comment on function search_rank is 'How well a record matches a query in every language, and in English: from 0 to 1.';

call rebuild_history_views();
