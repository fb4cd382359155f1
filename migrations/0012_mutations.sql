-- What people who change records are told: a sentence for each rule, and the first answer again where
-- they ask twice.

comment on constraint slug_form on domain slug is 'It takes lower-case words and numbers joined by hyphens, at most 200 characters.';
comment on constraint filled_text_not_blank on domain filled_text is 'It must not be blank.';
comment on constraint partial_date_form on domain partial_date is 'It takes a date as 2026, 2026-02 or 2026-02-19.';
comment on constraint actor_names_language_form on actor_names is 'It takes a BCP 47 tag: en, kk, zh-Hans.';
comment on constraint actor_names_script_form on actor_names is 'It takes an ISO 15924 code: Latn, Cyrl.';
comment on constraint sources_url_form on sources is 'It takes an address that begins with http:// or https://.';
comment on constraint sources_language_form on sources is 'It takes a BCP 47 tag: en, kk, zh-Hans.';
comment on constraint source_authors_ordinal_positive on source_authors is 'It is counted from 1.';
comment on constraint meetings_start_before_end on meetings is 'A meeting ends no earlier than it begins.';
comment on constraint statements_quote_iff_verbatim on statements is 'A quote is there exactly where the rendering is VERBATIM.';
comment on constraint statements_meeting_or_publication on statements is 'A statement is made at a meeting or in a publication, not both.';
comment on constraint statements_on_behalf_of_another on statements is 'Nobody speaks on behalf of themselves.';
comment on constraint commentaries_ordinal_positive on commentaries is 'It is counted from 1.';
comment on constraint commentary_targets_one_target on commentary_targets is 'A target is exactly one of an actor, a meeting, a statement and a topic.';
comment on constraint relations_between_two on relations is 'An actor is not tied to itself.';
comment on constraint relations_start_before_end on relations is 'A relation ends no earlier than it begins.';
comment on constraint positions_one_evidence on positions is 'The evidence is exactly one statement or one commentary.';
comment on constraint citations_one_record on citations is 'A citation supports exactly one record.';

create table client_mutations (
    requester filled_text,
    client_mutation_id filled_text constraint client_mutations_id_short check (length(client_mutation_id) <= 200),
    request bytea not null,
    recorded_at timestamptz not null default clock_timestamp(),
    record_id bigint,
    revision bigint,
    primary key (requester, client_mutation_id)
);
comment on table client_mutations is 'Mutations that their clients named: asked again, they answer as they did.';
comment on column client_mutations.requester is 'Who asked.';
comment on column client_mutations.client_mutation_id is 'The name that the client gave it.';
comment on column client_mutations.request is 'A digest of what was asked: the name stands for no other request.';
comment on column client_mutations.recorded_at is 'When it was answered.';
comment on column client_mutations.record_id is 'The record that it changed; where it undid a change, that.';
comment on column client_mutations.revision is 'The last revision that it left.';
comment on constraint client_mutations_id_short on client_mutations is 'It has 200 letters at most.';
