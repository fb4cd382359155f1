-- Topics have names and identifiers, as actors have.

create type topic_name_kind as enum ('ALIAS', 'FORMER', 'ABBREVIATION');
comment on type topic_name_kind is 'How a further name of a topic relates to the preferred one.';

create domain language_tag as text
    constraint language_tag_form check (value ~ '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*$');
comment on domain language_tag is 'A language as a BCP 47 tag.';
comment on constraint language_tag_form on domain language_tag is 'It takes a BCP 47 tag: en, kk, zh-Hans.';

create table topic_names (
    id bigint generated always as identity primary key,
    topic_id bigint not null constraint topic_names_topic_id_fkey references topics on delete cascade deferrable,
    name filled_text not null,
    language language_tag,
    script text constraint topic_names_script_form check (script ~ '^[A-Z][a-z]{3}$'),
    kind topic_name_kind not null,
    search tsvector not null generated always as (searchable(name, language, null, null)) stored,
    constraint topic_names_key unique nulls not distinct (topic_id, name, language, script, kind)
);
comment on table topic_names is 'Further names of topics, in any language.';
comment on column topic_names.id is 'Number of the row.';
comment on column topic_names.topic_id is 'Whose name it is.';
comment on column topic_names.name is 'The name.';
comment on column topic_names.language is 'Its language as a BCP 47 tag, where known.';
comment on column topic_names.script is 'Its script as an ISO 15924 code, where known.';
comment on column topic_names.kind is 'How it relates to the preferred name.';
comment on column topic_names.search is 'What full-text search finds it by.';
comment on constraint topic_names_script_form on topic_names is 'It takes an ISO 15924 code: Latn, Cyrl, Arab.';

create index topic_names_by_exact_name on topic_names (name, topic_id);
create index topic_names_by_plain_name on topic_names (plain(name) text_pattern_ops);
create index topic_names_name_trigrams on topic_names using gin (plain(name) gin_trgm_ops);
create index topic_names_search on topic_names using gin (search);
create index topic_names_by_kind on topic_names (kind, topic_id);
create index topic_names_by_language on topic_names (language, topic_id);
create index topic_names_by_script on topic_names (script, topic_id);

create table topic_identifiers (
    id bigint generated always as identity primary key,
    topic_id bigint not null constraint topic_identifiers_topic_id_fkey references topics on delete cascade deferrable,
    scheme filled_text not null,
    value filled_text not null,
    constraint topic_identifiers_key unique (scheme, value)
);
comment on table topic_identifiers is 'What other registers call a topic.';
comment on column topic_identifiers.id is 'Number of the row.';
comment on column topic_identifiers.topic_id is 'Whose identifier it is.';
comment on column topic_identifiers.scheme is 'The register: cap, eurovoc, wikidata, …';
comment on column topic_identifiers.value is 'The identifier in that register.';

create index topic_identifiers_by_topic on topic_identifiers (topic_id);
create index topic_identifiers_by_value on topic_identifiers (value);

call keep_history('topic_names', 'topic_id', 'topic_id', 'id', false);
call keep_history('topic_identifiers', 'topic_id', 'topic_id', 'id', false);
call rebuild_history_views();
