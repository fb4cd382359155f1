-- Who acts or is acted on.

create table actors (
    id bigint generated always as identity primary key,
    slug slug not null constraint actors_slug_key unique,
    kind actor_kind not null,
    name filled_text not null,
    search tsvector not null generated always as (searchable(name, null)) stored
);
comment on table actors is 'Who acts or is acted on: persons, countries, organizations, publications, groups, places.';
comment on column actors.id is 'Number of the row.';
comment on column actors.slug is 'Stable name for people and addresses.';
comment on column actors.kind is 'What sort of actor it is.';
comment on column actors.name is 'The preferred name.';
comment on column actors.search is 'What full-text search finds it by.';

create index actors_by_name on actors (lower(name), id);
create index actors_by_kind on actors (kind, id);
create index actors_search on actors using gin (search);
create index actors_by_exact_name on actors (name, id);
create index actors_by_plain_name on actors (plain(name) text_pattern_ops);
create index actors_name_trigrams on actors using gin (plain(name) gin_trgm_ops);

-- Two actors may share a name: it is never unique, and sharing one merges nobody.
create table actor_names (
    id bigint generated always as identity primary key,
    actor_id bigint not null constraint actor_names_actor_id_fkey references actors on delete cascade,
    name filled_text not null,
    language text constraint actor_names_language_form check (language ~ '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$'),
    script text constraint actor_names_script_form check (script ~ '^[A-Z][a-z]{3}$'),
    kind actor_name_kind not null,
    search tsvector not null generated always as (searchable(name, null)) stored,
    constraint actor_names_key unique nulls not distinct (actor_id, name, language, script, kind)
);
comment on table actor_names is 'Further names of actors.';
comment on column actor_names.id is 'Number of the row.';
comment on column actor_names.actor_id is 'Whose name it is.';
comment on column actor_names.name is 'The name.';
comment on column actor_names.language is 'Its language as a BCP 47 tag, where known.';
comment on column actor_names.script is 'Its script as an ISO 15924 code, where known.';
comment on column actor_names.kind is 'How it relates to the preferred name.';
comment on column actor_names.search is 'What full-text search finds it by.';

create index actor_names_by_exact_name on actor_names (name, actor_id);
create index actor_names_by_plain_name on actor_names (plain(name) text_pattern_ops);
create index actor_names_name_trigrams on actor_names using gin (plain(name) gin_trgm_ops);
create index actor_names_search on actor_names using gin (search);
create index actor_names_by_kind on actor_names (kind, actor_id);
create index actor_names_by_language on actor_names (language, actor_id);
create index actor_names_by_script on actor_names (script, actor_id);

create table actor_identifiers (
    id bigint generated always as identity primary key,
    actor_id bigint not null constraint actor_identifiers_actor_id_fkey references actors on delete cascade,
    scheme filled_text not null,
    value filled_text not null,
    constraint actor_identifiers_key unique (scheme, value)
);
comment on table actor_identifiers is 'What other registers call an actor.';
comment on column actor_identifiers.id is 'Number of the row.';
comment on column actor_identifiers.actor_id is 'Whose identifier it is.';
comment on column actor_identifiers.scheme is 'The register: wikidata, iso3166-1-alpha3, …';
comment on column actor_identifiers.value is 'The identifier in that register.';

create index actor_identifiers_by_actor on actor_identifiers (actor_id);
create index actor_identifiers_by_value on actor_identifiers (value);
