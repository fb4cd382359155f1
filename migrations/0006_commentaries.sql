-- What an analyst makes of it.

create table commentaries (
    id bigint generated always as identity primary key,
    slug slug not null constraint commentaries_slug_key unique,
    author_id bigint not null constraint commentaries_author_id_fkey references actors,
    source_id bigint not null constraint commentaries_source_id_fkey references sources,
    ordinal integer not null constraint commentaries_ordinal_positive check (ordinal > 0),
    question filled_text not null,
    summary filled_text not null,
    likelihood likelihood,
    confidence confidence,
    search tsvector not null generated always as (searchable(question, summary)) stored,
    constraint commentaries_ordinal_key unique (source_id, ordinal)
);
comment on table commentaries is 'What an analyst answers to one question.';
comment on column commentaries.id is 'Number of the row.';
comment on column commentaries.slug is 'Stable name for people and addresses.';
comment on column commentaries.author_id is 'The analyst.';
comment on column commentaries.source_id is 'The document that holds it.';
comment on column commentaries.ordinal is 'Its position among the commentaries of its source, from 1.';
comment on column commentaries.question is 'The question asked, paraphrased.';
comment on column commentaries.summary is 'The answer, in the editors'' words.';
comment on column commentaries.likelihood is 'How probable the analyst holds it to be, where that is said.';
comment on column commentaries.confidence is 'How sure the analyst is of the judgement, where that is said.';
comment on column commentaries.search is 'What full-text search finds it by.';

create index commentaries_by_ordinal on commentaries (ordinal, id);
create index commentaries_by_source on commentaries (source_id, ordinal, id);
create index commentaries_by_author on commentaries (author_id, ordinal, id);
create index commentaries_by_likelihood on commentaries (likelihood, id);
create index commentaries_by_confidence on commentaries (confidence, id);
create index commentaries_search on commentaries using gin (search);
create index commentaries_question_trigrams on commentaries using gin (plain(question) gin_trgm_ops);
create index commentaries_summary_trigrams on commentaries using gin (plain(summary) gin_trgm_ops);

create table commentary_targets (
    id bigint generated always as identity primary key,
    commentary_id bigint not null constraint commentary_targets_commentary_id_fkey references commentaries on delete cascade,
    actor_id bigint constraint commentary_targets_actor_id_fkey references actors,
    meeting_id bigint constraint commentary_targets_meeting_id_fkey references meetings,
    statement_id bigint constraint commentary_targets_statement_id_fkey references statements,
    topic_id bigint constraint commentary_targets_topic_id_fkey references topics,
    constraint commentary_targets_one_target check (num_nonnulls(actor_id, meeting_id, statement_id, topic_id) = 1),
    constraint commentary_targets_actor_key unique (actor_id, commentary_id),
    constraint commentary_targets_meeting_key unique (meeting_id, commentary_id),
    constraint commentary_targets_statement_key unique (statement_id, commentary_id),
    constraint commentary_targets_topic_key unique (topic_id, commentary_id)
);
comment on table commentary_targets is 'What a commentary is about: one row for each actor, meeting, statement or topic.';
comment on column commentary_targets.id is 'Number of the row; targets are told in this order.';
comment on column commentary_targets.commentary_id is 'The commentary.';
comment on column commentary_targets.actor_id is 'The actor that it is about, if it is one.';
comment on column commentary_targets.meeting_id is 'The meeting that it is about, if it is one.';
comment on column commentary_targets.statement_id is 'The statement that it is about, if it is one.';
comment on column commentary_targets.topic_id is 'The topic that it is about, if it is one.';

create index commentary_targets_by_commentary on commentary_targets (commentary_id, id);
