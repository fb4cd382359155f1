-- Relations: a share, an area, a term, and for whom they are held. Statements: an unknown speaker, the order within a
-- meeting, and the language.

alter type relation_kind add value 'COALITION' before 'OTHER';
alter type relation_kind add value 'OPPOSITION' before 'OTHER';

alter table relations
    add column share double precision,
    add column area filled_text,
    add column term filled_text,
    add column on_behalf_of_id bigint constraint relations_on_behalf_of_id_fkey references actors deferrable,
    add constraint relations_share_percent check (share between 0 and 100),
    add constraint relations_on_behalf_of_another check (on_behalf_of_id <> subject_id);
comment on column relations.share is 'How much of the object the subject holds, in percent.';
comment on column relations.area is 'The constituency or area that it is for.';
comment on column relations.term is 'The legislative term in which it holds.';
comment on column relations.on_behalf_of_id is 'For whom the subject holds it: the party of a seat.';
comment on constraint relations_share_percent on relations is 'A share is from 0 to 100 percent.';
comment on constraint relations_on_behalf_of_another on relations is 'Nobody holds a relation on behalf of themselves.';

create index relations_by_share on relations (share, id);
create index relations_by_area on relations (area, id);
create index relations_area_trigrams on relations using gin (plain(area) gin_trgm_ops);
create index relations_by_term on relations (term, id);
create index relations_term_trigrams on relations using gin (plain(term) gin_trgm_ops);
create index relations_by_on_behalf_of on relations (on_behalf_of_id, id);

-- A relation without dates may have held at any time.
drop index relations_valid_during;
create index relations_valid_during on relations using gist ((coalesce(valid_during, '(,)'::daterange)));
create index relations_by_valid_during on relations (valid_during);

alter table statements
    alter column speaker_id drop not null,
    add column ordinal integer,
    add column language text,
    add constraint statements_ordinal_positive check (ordinal > 0),
    add constraint statements_ordinal_in_meeting check (ordinal is null or meeting_id is not null),
    add constraint statements_language_form check (language ~ '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$');
comment on column statements.speaker_id is 'Who said it; null where the speaker is not known. Never a place or a territory.';
comment on column statements.ordinal is 'Its position among the statements of its meeting, from 1.';
comment on column statements.language is 'The language in which it was made, as a BCP 47 tag.';
comment on constraint statements_ordinal_positive on statements is 'It is counted from 1.';
comment on constraint statements_ordinal_in_meeting on statements is 'A statement has a position only among those of a meeting.';
comment on constraint statements_language_form on statements is 'It takes a BCP 47 tag: en, kk, zh-Hans.';

create index statements_by_ordinal on statements (ordinal, id);
create index statements_by_order on statements ((coalesce(ordinal, 2147483647)), id);
create index statements_by_meeting_and_order on statements (meeting_id, (coalesce(ordinal, 2147483647)), id);
create index statements_by_language on statements (language, id);

call rebuild_history_views();
