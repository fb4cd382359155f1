-- What ties actors to each other, and where they stand on topics.

create table relations (
    id bigint generated always as identity primary key,
    slug slug not null constraint relations_slug_key unique,
    subject_id bigint not null constraint relations_subject_id_fkey references actors,
    object_id bigint not null constraint relations_object_id_fkey references actors,
    kind relation_kind not null,
    label filled_text,
    valid_from partial_date,
    valid_until partial_date,
    valid_during daterange generated always as (period(valid_from, valid_until)) stored,
    constraint relations_between_two check (subject_id <> object_id),
    constraint relations_start_before_end check (starts_before_end(valid_from, valid_until))
);
comment on table relations is 'Ties from one actor to another.';
comment on column relations.id is 'Number of the row.';
comment on column relations.slug is 'Stable name for people and addresses.';
comment on column relations.subject_id is 'The actor that the tie starts from.';
comment on column relations.object_id is 'The actor that it leads to.';
comment on column relations.kind is 'What sort of tie it is.';
comment on column relations.label is 'What the tie is called: President.';
comment on column relations.valid_from is 'Since when it holds, as exactly as is known.';
comment on column relations.valid_until is 'Until when it held, as exactly as is known.';
comment on column relations.valid_during is 'The days on which it may have held, open where an end is unknown; null where both are.';

create index relations_by_subject on relations (subject_id, id);
create index relations_by_object on relations (object_id, id);
create index relations_by_kind on relations (kind, id);
create index relations_by_label on relations (label, id);
create index relations_by_date on relations ((coalesce(lower(valid_during), 'infinity'::date)), id);
create index relations_by_date_backward on relations ((coalesce(lower(valid_during), '-infinity'::date)), id);
create index relations_valid_during on relations using gist (valid_during);
create index relations_valid_from on relations using gist (partial_date_range(valid_from));
create index relations_valid_until on relations using gist (partial_date_range(valid_until));
create index relations_label_trigrams on relations using gin (plain(label) gin_trgm_ops);

create view related_actors as
select subject_id as actor_id, object_id as related_id from relations
union all
select object_id, subject_id from relations;
comment on view related_actors is 'Who is tied to whom, whichever of the two the tie starts from.';
comment on column related_actors.actor_id is 'An actor.';
comment on column related_actors.related_id is 'Another that a relation ties it to.';

create table positions (
    id bigint generated always as identity primary key,
    slug slug not null constraint positions_slug_key unique,
    holder_id bigint not null constraint positions_holder_id_fkey references actors,
    topic_id bigint not null constraint positions_topic_id_fkey references topics,
    stance stance not null,
    statement_id bigint constraint positions_statement_id_fkey references statements,
    commentary_id bigint constraint positions_commentary_id_fkey references commentaries,
    constraint positions_one_evidence check (num_nonnulls(statement_id, commentary_id) = 1)
);
comment on table positions is 'Where an actor stands on a topic, and what shows it. The holder need not have spoken.';
comment on column positions.id is 'Number of the row.';
comment on column positions.slug is 'Stable name for people and addresses.';
comment on column positions.holder_id is 'Who holds it.';
comment on column positions.topic_id is 'On what.';
comment on column positions.stance is 'For or against, and how firmly.';
comment on column positions.statement_id is 'The statement that shows it, if it is one.';
comment on column positions.commentary_id is 'The commentary that shows it, if it is one.';

create index positions_by_holder on positions (holder_id, id);
create index positions_by_topic on positions (topic_id, id);
create index positions_by_stance on positions (stance, id);
create index positions_by_statement on positions (statement_id, id);
create index positions_by_commentary on positions (commentary_id, id);
