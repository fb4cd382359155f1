-- How statements relate to each other: one answers another, repeats it, or contradicts it.

create table statement_replies (
    statement_id bigint constraint statement_replies_statement_id_fkey references statements on delete cascade deferrable,
    replied_to_id bigint constraint statement_replies_replied_to_id_fkey references statements deferrable,
    primary key (statement_id, replied_to_id),
    constraint statement_replies_to_another check (replied_to_id <> statement_id)
);
comment on table statement_replies is 'Statements that answer others.';
comment on column statement_replies.statement_id is 'The statement.';
comment on column statement_replies.replied_to_id is 'A statement that it answers.';
comment on constraint statement_replies_to_another on statement_replies is 'A statement must not answer itself.';
create index statement_replies_by_replied_to on statement_replies (replied_to_id, statement_id);

create table statement_repeats (
    statement_id bigint constraint statement_repeats_statement_id_fkey references statements on delete cascade deferrable,
    repeated_id bigint constraint statement_repeats_repeated_id_fkey references statements deferrable,
    primary key (statement_id, repeated_id),
    constraint statement_repeats_another check (repeated_id <> statement_id)
);
comment on table statement_repeats is 'Statements that repeat others: a newspaper an agency.';
comment on column statement_repeats.statement_id is 'The statement.';
comment on column statement_repeats.repeated_id is 'A statement that it repeats.';
comment on constraint statement_repeats_another on statement_repeats is 'A statement must not repeat itself.';
create index statement_repeats_by_repeated on statement_repeats (repeated_id, statement_id);

create table statement_contradictions (
    statement_id bigint constraint statement_contradictions_statement_id_fkey references statements on delete cascade deferrable,
    contradicted_id bigint constraint statement_contradictions_contradicted_id_fkey references statements deferrable,
    primary key (statement_id, contradicted_id),
    constraint statement_contradictions_of_another check (contradicted_id <> statement_id)
);
comment on table statement_contradictions is 'Statements that contradict others.';
comment on column statement_contradictions.statement_id is 'The statement.';
comment on column statement_contradictions.contradicted_id is 'A statement that it contradicts.';
comment on constraint statement_contradictions_of_another on statement_contradictions is 'A statement must not contradict itself.';
create index statement_contradictions_by_contradicted on statement_contradictions (contradicted_id, statement_id);

call keep_history('statement_replies', 'statement_id', 'statement_id', 'statement_id, replied_to_id', false);
call keep_history('statement_repeats', 'statement_id', 'statement_id', 'statement_id, repeated_id', false);
call keep_history('statement_contradictions', 'statement_id', 'statement_id', 'statement_id, contradicted_id', false);
call rebuild_history_views();
