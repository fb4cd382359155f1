-- Motions, their divisions, and how each actor voted.

create type division_result as enum ('PASSED', 'REJECTED', 'TIED');
comment on type division_result is 'What a division decided.';
create type vote_choice as enum ('FOR', 'AGAINST', 'ABSTAIN', 'ABSENT', 'PAIRED');
comment on type vote_choice is 'How an actor voted.';

create table motions (
    id bigint generated always as identity primary key,
    slug slug not null constraint motions_slug_key unique,
    name filled_text not null,
    summary filled_text,
    meeting_id bigint constraint motions_meeting_id_fkey references meetings deferrable,
    proposed_on partial_date,
    proposed_during daterange generated always as (partial_date_range(proposed_on)) stored,
    search tsvector not null generated always as (searchable(name, summary)) stored,
    plain_summary text generated always as (plain(summary)) stored
);
comment on table motions is 'Motions: bills, resolutions and other proposals that are voted on.';
comment on column motions.id is 'Number of the row.';
comment on column motions.slug is 'Stable name for people and addresses.';
comment on column motions.name is 'The name of the motion.';
comment on column motions.summary is 'What it would do, in the editors'' words.';
comment on column motions.meeting_id is 'The meeting at which it was proposed.';
comment on column motions.proposed_on is 'When it was proposed, as precisely as it is known.';
comment on column motions.proposed_during is 'The days that proposed_on may mean.';
comment on column motions.search is 'What full-text search finds it by.';
comment on column motions.plain_summary is 'The summary without capital letters and accents.';

create index motions_by_date on motions ((coalesce(lower(proposed_during), 'infinity'::date)), id);
create index motions_by_date_backward on motions ((coalesce(lower(proposed_during), '-infinity'::date)), id);
create index motions_by_name on motions (lower(name), id);
create index motions_by_exact_name on motions (name, id);
create index motions_by_plain_name on motions (plain(name) text_pattern_ops);
create index motions_name_trigrams on motions using gin (plain(name) gin_trgm_ops);
create index motions_summary_trigrams on motions using gin (plain_summary gin_trgm_ops);
create index motions_by_meeting on motions (meeting_id, id);
create index motions_proposed_during on motions using gist (proposed_during);
create index motions_search on motions using gin (search);

create table motion_proposers (
    motion_id bigint constraint motion_proposers_motion_id_fkey references motions on delete cascade deferrable,
    actor_id bigint constraint motion_proposers_actor_id_fkey references actors deferrable,
    primary key (motion_id, actor_id)
);
comment on table motion_proposers is 'Who proposed a motion.';
comment on column motion_proposers.motion_id is 'The motion.';
comment on column motion_proposers.actor_id is 'Who proposed it.';

create index motion_proposers_by_actor on motion_proposers (actor_id, motion_id);

create table motion_topics (
    motion_id bigint constraint motion_topics_motion_id_fkey references motions on delete cascade deferrable,
    topic_id bigint constraint motion_topics_topic_id_fkey references topics deferrable,
    primary key (motion_id, topic_id)
);
comment on table motion_topics is 'The topics of a motion.';
comment on column motion_topics.motion_id is 'The motion.';
comment on column motion_topics.topic_id is 'A topic of it.';

create index motion_topics_by_topic on motion_topics (topic_id, motion_id);

create table divisions (
    id bigint generated always as identity primary key,
    slug slug not null constraint divisions_slug_key unique,
    motion_id bigint not null constraint divisions_motion_id_fkey references motions deferrable,
    name filled_text not null,
    meeting_id bigint constraint divisions_meeting_id_fkey references meetings deferrable,
    held_on partial_date,
    held_during daterange generated always as (partial_date_range(held_on)) stored,
    result division_result
);
comment on table divisions is 'Divisions: single votes on a motion, each with the votes of those who could vote.';
comment on column divisions.id is 'Number of the row.';
comment on column divisions.slug is 'Stable name for people and addresses.';
comment on column divisions.motion_id is 'The motion that was voted on.';
comment on column divisions.name is 'The name of the division: Peace plan, second reading.';
comment on column divisions.meeting_id is 'The meeting at which it was held.';
comment on column divisions.held_on is 'When it was held, as precisely as it is known.';
comment on column divisions.held_during is 'The days that held_on may mean.';
comment on column divisions.result is 'What it decided; null if that is not known.';

create index divisions_by_date on divisions ((coalesce(lower(held_during), 'infinity'::date)), id);
create index divisions_by_date_backward on divisions ((coalesce(lower(held_during), '-infinity'::date)), id);
create index divisions_by_motion on divisions (motion_id, (coalesce(lower(held_during), 'infinity'::date)), id);
create index divisions_by_meeting on divisions (meeting_id, id);
create index divisions_by_result on divisions (result, id);
create index divisions_by_name on divisions (lower(name), id);
create index divisions_by_exact_name on divisions (name, id);
create index divisions_by_plain_name on divisions (plain(name) text_pattern_ops);
create index divisions_name_trigrams on divisions using gin (plain(name) gin_trgm_ops);
create index divisions_held_during on divisions using gist (held_during);

create view division_topics as
select divisions.id as division_id, motion_topics.topic_id
from divisions join motion_topics on motion_topics.motion_id = divisions.motion_id;
comment on view division_topics is 'The topics of divisions: those of their motions.';
comment on column division_topics.division_id is 'The division.';
comment on column division_topics.topic_id is 'A topic of its motion.';

create table votes (
    id bigint generated always as identity primary key,
    slug slug not null constraint votes_slug_key unique,
    division_id bigint not null constraint votes_division_id_fkey references divisions deferrable,
    actor_id bigint not null constraint votes_actor_id_fkey references actors deferrable,
    choice vote_choice not null,
    party_id bigint constraint votes_party_id_fkey references actors deferrable,
    constraint votes_one_of_an_actor unique (division_id, actor_id),
    constraint votes_party_is_another check (party_id <> actor_id)
);
comment on table votes is 'How each actor voted in a division.';
comment on column votes.id is 'Number of the row.';
comment on column votes.slug is 'Stable name for people and addresses.';
comment on column votes.division_id is 'The division.';
comment on column votes.actor_id is 'Who voted.';
comment on column votes.choice is 'How.';
comment on column votes.party_id is 'The party or group that the actor belonged to then.';
comment on constraint votes_one_of_an_actor on votes is 'An actor has one vote in a division.';
comment on constraint votes_party_is_another on votes is 'An actor must not be its own party.';

create index votes_by_division on votes (division_id, id);
create index votes_by_actor on votes (actor_id, id);
create index votes_by_party on votes (party_id, id);
create index votes_by_choice on votes (choice, id);

call keep_history('motion_proposers', 'motion_id', 'motion_id', 'motion_id, actor_id', false);
call keep_history('motion_topics', 'motion_id', 'motion_id', 'motion_id, topic_id', false);
call register_record_type('motions', 'motion');
call register_record_type('divisions', 'division');
-- The citations of its division support it.
call register_record_type('votes', 'vote', false);

-- A vote is evidence of a position.
alter table positions
    add column vote_id bigint constraint positions_vote_id_fkey references votes deferrable,
    drop constraint positions_one_evidence,
    add constraint positions_one_evidence check (num_nonnulls(statement_id, commentary_id, vote_id) = 1);
comment on column positions.vote_id is 'The vote that shows it, if it is one.';
comment on constraint positions_one_evidence on positions is 'The evidence is exactly one statement, commentary or vote.';
create index positions_by_vote on positions (vote_id, id);

call rebuild_history_views();
