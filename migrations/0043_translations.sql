-- The languages of names, titles, summaries, questions and quotes, and their translations.

alter table actors add column name_language language_tag, add column summary_language language_tag;
alter table meetings add column name_language language_tag, add column summary_language language_tag;
alter table statements add column summary_language language_tag, add column quote_language language_tag;
alter table events add column name_language language_tag, add column summary_language language_tag;
alter table commentaries add column question_language language_tag, add column summary_language language_tag;
alter table topics add column name_language language_tag;
alter table sources add column title_language language_tag;
alter table motions add column name_language language_tag, add column summary_language language_tag;
alter table divisions add column name_language language_tag;
do $$
declare
    told record;
begin
    for told in
        select attrelid::regclass as of_table, attname as name, replace(attname, '_language', '') as text
        from pg_attribute where atttypid = 'language_tag'::regtype and attname like '%\_language' and attrelid::regclass::text !~ '_past\.'
    loop
        execute format('comment on column %s.%I is %L', told.of_table, told.name, format('The language of its %s as a BCP 47 tag, where known.', told.text));
    end loop;
end
$$;
comment on column statements.quote_language is 'The language of its quote as a BCP 47 tag, if it is another than that in which the statement was made.';

create type translated_field as enum ('NAME', 'TITLE', 'QUESTION', 'SUMMARY', 'QUOTE');
comment on type translated_field is 'The field of a record that a translation is of.';
create type translation_kind as enum ('HUMAN', 'MACHINE', 'EDITED_MACHINE');
comment on type translation_kind is 'How a translation was made.';

create table translations (
    id bigint generated always as identity primary key,
    field translated_field not null,
    language language_tag not null,
    value filled_text not null,
    translator filled_text,
    kind translation_kind,
    search tsvector not null generated always as (
        searchable(case when field in ('NAME', 'TITLE', 'QUESTION') then value end, language,
                   case when field in ('SUMMARY', 'QUOTE') then value end, language)
    ) stored,
    constraint translations_one_record check (true)
);
comment on table translations is 'Texts of records in other languages.';
comment on column translations.id is 'Number of the row.';
comment on column translations.field is 'The field of the record that it is of.';
comment on column translations.language is 'Its language as a BCP 47 tag.';
comment on column translations.value is 'The text in that language.';
comment on column translations.translator is 'Who or what translated it: a person, an agency, a program.';
comment on column translations.kind is 'How it was made.';
comment on column translations.search is 'What full-text search finds it by.';

create index translations_search on translations using gin (search);

create procedure add_translations(of_table name, type name, fields text[])
    language plpgsql as
$$
declare
    id_column constant name := type || '_id';
    called constant text := replace(type, '_', ' ');
    rule constant name := 'translations_fields_of_' || type;
    happening text;
begin
    call add_record_column('translations', type, format('The %s whose text it is, if it is one.', called));
    execute format(
        'alter table translations
             add constraint %I foreign key (%I) references %I on delete cascade deferrable,
             add constraint %I check (%2$I is null or field = any(%5$L::translated_field[]))',
        'translations_' || id_column || '_fkey', id_column, of_table, rule, fields
    );
    execute format('comment on constraint %I on translations is %L', rule,
        format('A translation of a record of this type is of its %s.', lower(array_to_string(fields, ' or '))));
    execute format('create unique index %I on translations (%2$I, field, language) where %2$I is not null', 'translations_' || type || '_key', id_column);
    foreach happening in array '{entered, changed, removed, no_truncate}'::text[] loop
        execute format('drop trigger if exists %I on translations', 'translations_' || happening);
    end loop;
    call keep_history('translations', record_columns('translations'), record_columns('translations'), 'id', false);
end
$$;
comment on procedure add_translations is 'Lets records of a type have translations of these fields.';

call add_translations('actors', 'actor', '{SUMMARY}');
call add_translations('meetings', 'meeting', '{NAME, SUMMARY}');
call add_translations('statements', 'statement', '{SUMMARY, QUOTE}');
call add_translations('events', 'event', '{NAME, SUMMARY}');
call add_translations('commentaries', 'commentary', '{QUESTION, SUMMARY}');
call add_translations('sources', 'source', '{TITLE}');
call add_translations('motions', 'motion', '{NAME, SUMMARY}');
call add_translations('divisions', 'division', '{NAME}');

call rebuild_history_views();
