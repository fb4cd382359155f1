-- Occasions at which actors met.

create table meetings (
    id bigint generated always as identity primary key,
    slug slug not null constraint meetings_slug_key unique,
    name filled_text not null,
    summary filled_text,
    mode meeting_mode not null,
    status meeting_status not null,
    venue_id bigint constraint meetings_venue_id_fkey references actors,
    parent_id bigint constraint meetings_parent_id_fkey references meetings,
    starts_on partial_date,
    ends_on partial_date,
    held_during daterange generated always as (period(coalesce(starts_on, ends_on), coalesce(ends_on, starts_on))) stored,
    search tsvector not null generated always as (searchable(name, summary)) stored,
    constraint meetings_start_before_end check (starts_before_end(starts_on, ends_on))
);
comment on table meetings is 'Occasions at which actors met: visits, councils, calls, interviews.';
comment on column meetings.id is 'Number of the row.';
comment on column meetings.slug is 'Stable name for people and addresses.';
comment on column meetings.name is 'What the meeting is called.';
comment on column meetings.summary is 'What is known of it.';
comment on column meetings.mode is 'In what form actors met.';
comment on column meetings.status is 'Whether it took place.';
comment on column meetings.venue_id is 'Where it was held: a place or an organization.';
comment on column meetings.parent_id is 'The larger occasion that it was part of.';
comment on column meetings.starts_on is 'When it began, as exactly as is known.';
comment on column meetings.ends_on is 'When it ended, as exactly as is known.';
comment on column meetings.held_during is 'The days on which it may have been held; null where unknown.';
comment on column meetings.search is 'What full-text search finds it by.';

create index meetings_by_date on meetings ((coalesce(lower(held_during), 'infinity'::date)), id);
create index meetings_by_date_backward on meetings ((coalesce(lower(held_during), '-infinity'::date)), id);
create index meetings_by_name on meetings (lower(name), id);
create index meetings_by_venue on meetings (venue_id, id);
create index meetings_by_parent on meetings (parent_id, id);
create index meetings_by_mode on meetings (mode, id);
create index meetings_by_status on meetings (status, id);
create index meetings_held_during on meetings using gist (held_during);
create index meetings_search on meetings using gin (search);
create index meetings_starts_on on meetings using gist (partial_date_range(starts_on));
create index meetings_ends_on on meetings using gist (partial_date_range(ends_on));
create index meetings_by_exact_name on meetings (name, id);
create index meetings_by_plain_name on meetings (plain(name) text_pattern_ops);
create index meetings_name_trigrams on meetings using gin (plain(name) gin_trgm_ops);
create index meetings_summary_trigrams on meetings using gin (plain(summary) gin_trgm_ops);

create trigger meetings_no_cycle
    after insert or update of parent_id on meetings
    for each row when (new.parent_id is not null) execute function refuse_cycle_of_parents();

create function check_venues() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from changed join actors on actors.id = changed.venue_id
        where actors.kind not in ('PLACE', 'ORGANIZATION')
    ) then
        perform refuse('meetings_venue_kind', 'meetings', 'venue_id', 'A venue is a place or an organization.');
    end if;
    return null;
end
$$;
comment on function check_venues is 'Refuses a venue that is neither a place nor an organization.';

create trigger meetings_venue_kind_entered after insert on meetings
    referencing new table as changed for each statement execute function check_venues();
create trigger meetings_venue_kind_changed after update on meetings
    referencing new table as changed for each statement execute function check_venues();

create table meeting_participants (
    meeting_id bigint constraint meeting_participants_meeting_id_fkey references meetings on delete cascade,
    actor_id bigint constraint meeting_participants_actor_id_fkey references actors,
    role participant_role not null,
    primary key (meeting_id, actor_id)
);
comment on table meeting_participants is 'Who took part in a meeting.';
comment on column meeting_participants.meeting_id is 'The meeting.';
comment on column meeting_participants.actor_id is 'Who took part.';
comment on column meeting_participants.role is 'In what role.';

create index meeting_participants_by_actor on meeting_participants (actor_id, meeting_id);
create index meeting_participants_by_role on meeting_participants (role, meeting_id);

create table meeting_topics (
    meeting_id bigint constraint meeting_topics_meeting_id_fkey references meetings on delete cascade,
    topic_id bigint constraint meeting_topics_topic_id_fkey references topics,
    primary key (meeting_id, topic_id)
);
comment on table meeting_topics is 'The agenda of a meeting.';
comment on column meeting_topics.meeting_id is 'The meeting.';
comment on column meeting_topics.topic_id is 'A topic on its agenda.';

create index meeting_topics_by_topic on meeting_topics (topic_id, meeting_id);
