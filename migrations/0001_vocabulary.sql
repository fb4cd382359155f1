-- The words that everything else is said in: closed vocabularies, kinds of text, dates as exactly as
-- they are known, and how texts are searched.

create extension if not exists unaccent;
create extension if not exists pg_trgm;

create type actor_kind as enum ('PERSON', 'COUNTRY', 'TERRITORY', 'ORGANIZATION', 'MEDIA', 'GROUP', 'PLACE');
create type actor_name_kind as enum ('ALIAS', 'FORMER', 'TRANSLITERATION', 'ABBREVIATION', 'PATRONYMIC');
create type meeting_mode as enum ('VISIT', 'MULTILATERAL', 'BILATERAL', 'CALL', 'CONFERENCE', 'INTERVIEW', 'OTHER');
create type meeting_status as enum ('OCCURRED', 'SCHEDULED', 'POSTPONED', 'CANCELLED', 'HYPOTHETICAL');
create type participant_role as enum ('HOST', 'CHAIR', 'SPEAKER', 'GUEST', 'ATTENDEE', 'MEDIATOR');
create type statement_medium as enum ('SPEECH', 'INTERVIEW', 'ARTICLE', 'WRITTEN', 'CONVERSATION', 'UNSPECIFIED');
create type statement_rendering as enum ('VERBATIM', 'PARAPHRASE');
create type likelihood as enum (
    'ALMOST_NO_CHANCE', 'VERY_UNLIKELY', 'UNLIKELY', 'ROUGHLY_EVEN', 'LIKELY', 'VERY_LIKELY', 'ALMOST_CERTAIN'
);
create type confidence as enum ('LOW', 'MODERATE', 'HIGH');
create type relation_kind as enum (
    'POSITION', 'NATIONALITY', 'MEMBERSHIP', 'PARTICIPATION', 'PARTNERSHIP', 'OWNERSHIP', 'HIERARCHY', 'FAMILY',
    'LOCATION', 'OTHER'
);
create type stance as enum ('STRONGLY_OPPOSES', 'OPPOSES', 'NEUTRAL', 'SUPPORTS', 'STRONGLY_SUPPORTS');
create type source_reliability as enum ('A', 'B', 'C', 'D', 'E', 'F');
create type revision_operation as enum ('CREATE', 'UPDATE', 'DELETE', 'MERGE');

comment on type actor_kind is 'What sort of actor it is.';
comment on type actor_name_kind is 'How a further name relates to the preferred one.';
comment on type meeting_mode is 'In what form actors met; after PLOVER''s modes of CONSULT.';
comment on type meeting_status is 'Whether a meeting took place; after schema.org''s EventStatusType.';
comment on type participant_role is 'In what role an actor took part in a meeting.';
comment on type statement_medium is 'How a statement was made.';
comment on type statement_rendering is 'How closely a record follows the speaker''s words.';
comment on type likelihood is 'How probable an analyst holds something to be; the scale of ICD 203.';
comment on type confidence is 'How well founded an analyst holds a judgement to be; the levels of ICD 203.';
comment on type relation_kind is 'What ties two actors; after LittleSis and Popolo.';
comment on type stance is 'Where an actor stands on a topic; after STIX''s opinion.';
comment on type source_reliability is 'How far a source can be relied on; the letters of the Admiralty code.';
comment on type revision_operation is 'What was done to a record.';

create domain slug as text
    constraint slug_form check (value ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(value) <= 200);
comment on domain slug is 'Lower-case words and numbers joined by hyphens, at most 200 characters.';

create domain filled_text as text
    constraint filled_text_not_blank check (value ~ '\S');
comment on domain filled_text is 'A text that is not blank.';

-- Null where the text is no date: the domain below refuses it by name, which an error from inside
-- here would prevent.
create function partial_date_range(date text) returns daterange
    language sql immutable strict parallel safe
return case
    when date !~ '^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$' or date like '0000%' then null
    when length(date) = 4 then daterange(
        make_date(date::integer, 1, 1),
        make_date(date::integer + 1, 1, 1)
    )
    when length(date) = 7 then daterange(
        make_date(left(date, 4)::integer, right(date, 2)::integer, 1),
        (make_date(left(date, 4)::integer, right(date, 2)::integer, 1) + interval '1 month')::date
    )
    when right(date, 2)::integer <= extract(day from
        make_date(left(date, 4)::integer, substr(date, 6, 2)::integer, 1) + interval '1 month - 1 day'
    ) then daterange(
        make_date(left(date, 4)::integer, substr(date, 6, 2)::integer, right(date, 2)::integer),
        make_date(left(date, 4)::integer, substr(date, 6, 2)::integer, right(date, 2)::integer) + 1
    )
end;
comment on function partial_date_range is 'The days that a partial date may mean; null where it is no date.';

create domain partial_date as text
    constraint partial_date_form check (value is null or partial_date_range(value) is not null);
comment on domain partial_date is 'A date as exactly as it is known: 2026, 2026-02 or 2026-02-19.';

-- Null where it ends before it starts: a constraint of the table refuses that by name.
create function period(starts text, ends text) returns daterange
    language sql immutable parallel safe
return case
    when starts is null and ends is null then null
    when lower(partial_date_range(starts)) >= upper(partial_date_range(ends)) then null
    else daterange(lower(partial_date_range(starts)), upper(partial_date_range(ends)))
end;
comment on function period is 'From the first day of one partial date to the last of another, open where one is unknown.';

create function starts_before_end(starts text, ends text) returns boolean
    language sql immutable parallel safe
return coalesce(lower(partial_date_range(starts)) < upper(partial_date_range(ends)), true);
comment on function starts_before_end is 'Whether a period may end no earlier than it starts.';

create text search configuration dossier_english (copy = english);
alter text search configuration dossier_english
    alter mapping for hword, hword_part, word with unaccent, english_stem;
comment on text search configuration dossier_english is 'English word stems, accents aside.';

create text search configuration dossier_simple (copy = simple);
alter text search configuration dossier_simple
    alter mapping for hword, hword_part, word with unaccent, simple;
comment on text search configuration dossier_simple is 'Words of any language as they are, accents aside.';

create function searchable(heading text, body text) returns tsvector
    language sql immutable parallel safe
return setweight(
        to_tsvector('dossier_english'::regconfig, coalesce(heading, ''))
        || to_tsvector('dossier_simple'::regconfig, coalesce(heading, '')), 'A')
    || setweight(
        to_tsvector('dossier_english'::regconfig, coalesce(body, ''))
        || to_tsvector('dossier_simple'::regconfig, coalesce(body, '')), 'B');
comment on function searchable is 'What full-text search finds a record by: its heading first, then its body.';

-- Declared immutable, as its dictionary is: an index may be built on it.
create function plain(text text) returns text
    language sql immutable strict parallel safe
return lower(unaccent('unaccent'::regdictionary, text));
comment on function plain is 'A text without capital letters and accents, by which names are compared.';

-- A rule that a trigger enforces is refused like a constraint: by its name, table and column.
create function refuse(rule name, of_table name, of_column name, reason text) returns void
    language plpgsql as
$$
begin
    raise exception using
        message = reason, errcode = 'check_violation', constraint = rule, table = of_table, column = of_column;
end
$$;
comment on function refuse is 'Raises what a named constraint would raise.';

create table event_types (
    code text primary key,
    cameo text,
    description filled_text not null
);
comment on table event_types is 'What is done by saying something: PLOVER''s event types, and STATEMENT for none of them.';
comment on column event_types.code is 'The type''s name.';
comment on column event_types.cameo is 'CAMEO''s root code, where the type has one.';
comment on column event_types.description is 'What the type means.';

insert into event_types (code, cameo, description) values
    ('STATEMENT', '01', 'Says something without doing any of the others.'),
    ('AGREE', null, 'Agrees to do something, or declares that one will.'),
    ('CONSULT', null, 'Meets, talks or exchanges views.'),
    ('SUPPORT', null, 'Supports, praises or defends by diplomatic means.'),
    ('CONCEDE', null, 'Yields to a demand, or eases pressure.'),
    ('COOPERATE', null, 'Works with another in practical matters.'),
    ('AID', null, 'Provides help.'),
    ('RETREAT', null, 'Withdraws, demobilises or releases.'),
    ('REQUEST', null, 'Asks, demands or proposes that something be done.'),
    ('ACCUSE', null, 'Disapproves, blames or accuses.'),
    ('REJECT', null, 'Refuses a demand or a proposal.'),
    ('THREATEN', null, 'Threatens to do harm.'),
    ('PROTEST', null, 'Takes part in public dissent.'),
    ('SANCTION', null, 'Reduces or breaks off relations, or imposes penalties.'),
    ('MOBILIZE', null, 'Raises or shows armed force.'),
    ('COERCE', null, 'Uses force or repression short of assault.'),
    ('ASSAULT', null, 'Uses violence.');
