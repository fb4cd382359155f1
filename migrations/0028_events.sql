-- Events: what was done, rather than said.

create type statement_event_kind as enum ('CALLS_FOR', 'DENIES', 'REFERS_TO');
comment on type statement_event_kind is 'How a statement relates to an event.';

comment on table event_types is 'Types of what is done, in deeds and in words: PLOVER''s event types, and STATEMENT for none of them.';

create table event_modes (
    event_type text constraint event_modes_event_type_fkey references event_types deferrable,
    code text,
    description filled_text not null,
    primary key (event_type, code)
);
comment on table event_modes is 'PLOVER''s modes: in which way an event of a type was done.';
comment on column event_modes.event_type is 'The event type.';
comment on column event_modes.code is 'The mode, as PLOVER writes it.';
comment on column event_modes.description is 'What the mode means.';

insert into event_modes (event_type, code, description) values
    ('CONSULT', 'visit', 'One travels to the other.'),
    ('CONSULT', 'host', 'One receives the other.'),
    ('CONSULT', 'multilateral', 'More than two meet.'),
    ('CONSULT', 'phone', 'They talk at a distance.'),
    ('CONSULT', 'third-party', 'Another mediates, or lends its place.'),
    ('RETREAT', 'withdraw', 'Forces or staff leave.'),
    ('RETREAT', 'release', 'Prisoners or hostages are let go.'),
    ('RETREAT', 'return', 'Property or territory is given back.'),
    ('RETREAT', 'disarm', 'Arms are given up.'),
    ('RETREAT', 'ceasefire', 'Fighting is stopped.'),
    ('RETREAT', 'access', 'Observers, aid or peacekeepers are let in.'),
    ('RETREAT', 'resign', 'An office is given up.'),
    ('REQUEST', 'assist', 'Help is asked for.'),
    ('REQUEST', 'change', 'A change of policy, leaders or rights is asked for.'),
    ('REQUEST', 'yield', 'A concession or a retreat is asked for.'),
    ('REQUEST', 'meet', 'A meeting, talks or mediation are asked for.'),
    ('ACCUSE', 'disapprove', 'Criticises or denounces.'),
    ('ACCUSE', 'allege', 'Blames another for a wrong, or takes it to court.'),
    ('ACCUSE', 'investigate', 'Looks into a wrong.'),
    ('REJECT', 'assist', 'Help is refused.'),
    ('REJECT', 'change', 'A change of policy, leaders or rights is refused.'),
    ('REJECT', 'yield', 'A concession or a retreat is refused.'),
    ('REJECT', 'meet', 'A meeting, talks or mediation are refused.'),
    ('THREATEN', 'restrict', 'Threatens to restrict movement or rights.'),
    ('THREATEN', 'ban', 'Threatens to ban an activity or a group.'),
    ('THREATEN', 'arrest', 'Threatens to arrest.'),
    ('THREATEN', 'relations', 'Threatens to reduce or break off relations or aid.'),
    ('THREATEN', 'expel', 'Threatens to expel or deport.'),
    ('THREATEN', 'territory', 'Threatens to occupy or blockade.'),
    ('THREATEN', 'violence', 'Threatens with violence.'),
    ('PROTEST', 'demo', 'A demonstration or a rally.'),
    ('PROTEST', 'riot', 'A protest with violence.'),
    ('PROTEST', 'strike', 'Work is stopped.'),
    ('PROTEST', 'hunger', 'A hunger strike.'),
    ('PROTEST', 'boycott', 'Goods, elections or meetings are boycotted.'),
    ('PROTEST', 'obstruct', 'A road or a building is blocked or occupied.'),
    ('SANCTION', 'convict', 'Sentences, fines or punishes by law.'),
    ('SANCTION', 'expel', 'Expels people or organizations.'),
    ('SANCTION', 'withdraw', 'Leaves talks, an agreement or an organization.'),
    ('SANCTION', 'discontinue', 'Ends or reduces relations, aid or trade.'),
    ('MOBILIZE', 'troops', 'Raises or moves troops.'),
    ('MOBILIZE', 'weapons', 'Shows, tests or moves weapons.'),
    ('MOBILIZE', 'police', 'Raises or moves police.'),
    ('MOBILIZE', 'militia', 'Raises or moves armed groups.'),
    ('COERCE', 'seize', 'Takes or damages property.'),
    ('COERCE', 'restrict', 'Restricts movement or rights.'),
    ('COERCE', 'ban', 'Bans an activity or a group.'),
    ('COERCE', 'censor', 'Suppresses information or the press.'),
    ('COERCE', 'curfew', 'Imposes a curfew.'),
    ('COERCE', 'martial-law', 'Imposes martial law or a state of emergency.'),
    ('COERCE', 'arrest', 'Arrests or detains.'),
    ('COERCE', 'deport', 'Deports or expels.'),
    ('COERCE', 'withhold', 'Holds back goods, services or money.'),
    ('COERCE', 'misinformation', 'Spreads falsehoods.'),
    ('COERCE', 'cyber', 'Attacks computers or networks.'),
    ('ASSAULT', 'abduct', 'Kidnaps, hijacks or takes hostages.'),
    ('ASSAULT', 'beat', 'Beats or injures by hand.'),
    ('ASSAULT', 'torture', 'Tortures.'),
    ('ASSAULT', 'execute', 'Executes, by a court or without one.'),
    ('ASSAULT', 'sexual', 'Uses sexual violence.'),
    ('ASSAULT', 'assassinate', 'Kills, or tries to kill, a known person.'),
    ('ASSAULT', 'targeted', 'Attacks chosen people.'),
    ('ASSAULT', 'primitive', 'Uses knives, stones, fire or other simple weapons.'),
    ('ASSAULT', 'firearms', 'Uses small arms.'),
    ('ASSAULT', 'explosives', 'Uses bombs, mines or grenades.'),
    ('ASSAULT', 'suicide-attack', 'The attacker dies in the attack.'),
    ('ASSAULT', 'heavy-weapons', 'Uses artillery, rockets or tanks.'),
    ('ASSAULT', 'aerial', 'Attacks from crewed aircraft.'),
    ('ASSAULT', 'drone', 'Attacks with uncrewed aircraft.'),
    ('ASSAULT', 'crowd-control', 'Uses tear gas, batons or water cannon against a crowd.'),
    ('ASSAULT', 'destroy', 'Destroys buildings or property by violence.'),
    ('ASSAULT', 'unconventional', 'Uses chemical, biological, radiological or nuclear weapons.');

create table events (
    id bigint generated always as identity primary key,
    slug slug not null constraint events_slug_key unique,
    name filled_text,
    summary filled_text not null,
    event_type text not null constraint events_event_type_fkey references event_types deferrable,
    mode text,
    place_id bigint constraint events_place_id_fkey references actors deferrable,
    meeting_id bigint constraint events_meeting_id_fkey references meetings deferrable,
    parent_id bigint constraint events_parent_id_fkey references events deferrable,
    occurred_on partial_date,
    ended_on partial_date,
    occurred_during daterange generated always as (
        period(coalesce(occurred_on, ended_on), coalesce(ended_on, occurred_on))
    ) stored,
    killed integer constraint events_killed_not_negative check (killed >= 0),
    injured integer constraint events_injured_not_negative check (injured >= 0),
    amount numeric constraint events_amount_not_negative check (amount >= 0 and amount < 'infinity'),
    currency text constraint events_currency_form check (currency ~ '^[A-Z]{3}$'),
    search tsvector not null generated always as (searchable(name, summary)) stored,
    plain_summary text generated always as (plain(summary)) stored,
    constraint events_mode_fkey foreign key (event_type, mode) references event_modes deferrable,
    constraint events_start_before_end check (starts_before_end(occurred_on, ended_on)),
    constraint events_amount_with_currency check ((amount is null) = (currency is null))
);
comment on table events is 'Events: what actors did, to whom, where and when.';
comment on column events.id is 'Number of the row.';
comment on column events.slug is 'Stable name for people and addresses.';
comment on column events.name is 'The name of the event, if it has one.';
comment on column events.summary is 'What happened, in the editors'' words.';
comment on column events.event_type is 'What was done: an event type of PLOVER.';
comment on column events.mode is 'In which way: a mode of the event type.';
comment on column events.place_id is 'Where it happened: a place, country or territory.';
comment on column events.meeting_id is 'The meeting at which it happened.';
comment on column events.parent_id is 'The larger event that it was part of.';
comment on column events.occurred_on is 'When it happened or began, as precisely as it is known.';
comment on column events.ended_on is 'When it ended, as precisely as it is known.';
comment on column events.occurred_during is 'The days on which it may have happened; null if unknown.';
comment on column events.killed is 'How many people were killed.';
comment on column events.injured is 'How many people were injured.';
comment on column events.amount is 'A sum of money: of aid, a contract, a fine, damage.';
comment on column events.currency is 'The currency of the sum: a code of ISO 4217.';
comment on column events.search is 'What full-text search finds it by.';
comment on column events.plain_summary is 'The summary without capital letters and accents.';
comment on constraint events_killed_not_negative on events is 'A number of people must not be negative.';
comment on constraint events_injured_not_negative on events is 'A number of people must not be negative.';
comment on constraint events_amount_not_negative on events is 'An amount must not be negative.';
comment on constraint events_currency_form on events is 'A currency is a code of ISO 4217: USD, KZT.';
comment on constraint events_amount_with_currency on events is 'An amount needs a currency, and a currency an amount.';
comment on constraint events_start_before_end on events is 'An event must not end before it begins.';
comment on constraint events_event_type_fkey on events is 'The event type is not one of those of PLOVER.';
comment on constraint events_mode_fkey on events is 'The mode is not one of this event type. The description of `Event.mode` lists them.';

create index events_by_date on events ((coalesce(lower(occurred_during), 'infinity'::date)), id);
create index events_by_date_backward on events ((coalesce(lower(occurred_during), '-infinity'::date)), id);
create index events_by_event_type on events (event_type, id);
create index events_by_mode on events (mode, id);
create index events_by_place on events (place_id, id);
create index events_by_meeting on events (meeting_id, id);
create index events_by_parent on events (parent_id, id);
create index events_by_killed on events (killed, id);
create index events_by_injured on events (injured, id);
create index events_by_amount on events (amount, id);
create index events_by_currency on events (currency, id);
create index events_by_exact_name on events (name, id);
create index events_by_plain_name on events (plain(name) text_pattern_ops);
create index events_name_trigrams on events using gin (plain(name) gin_trgm_ops);
create index events_summary_trigrams on events using gin (plain_summary gin_trgm_ops);
create index events_occurred_during on events using gist (occurred_during);
create index events_occurred_on on events using gist (partial_date_range(occurred_on));
create index events_ended_on on events using gist (partial_date_range(ended_on));
create index events_search on events using gin (search);

create trigger events_no_cycle
    after insert or update of parent_id on events
    for each row when (new.parent_id is not null) execute function refuse_cycle_of_parents();

create or replace function actor_kind_rules()
    returns table (rule name, of_table name, of_column name, wrong_kinds text, message text, actor_message text)
    language sql immutable parallel safe as
$rules$
    values
        (
            'statements_speaker_kind'::name, 'statements'::name, 'speaker_id'::name, $$in ('PLACE', 'TERRITORY')$$,
            'A place or a territory can''t be a speaker.',
            'The actor is the speaker of statements, so it can''t be a place or a territory.'
        ),
        (
            'statements_publication_kind', 'statements', 'publication_id', $$<> 'MEDIA'$$,
            'A publication must be an actor of kind MEDIA.',
            'The actor is the publication of statements, so its kind must be MEDIA.'
        ),
        (
            'meetings_venue_kind', 'meetings', 'venue_id', $$not in ('PLACE', 'ORGANIZATION')$$,
            'A venue must be a place or an organization.',
            'The actor is the venue of meetings, so it must be a place or an organization.'
        ),
        (
            'events_place_kind', 'events', 'place_id', $$not in ('PLACE', 'COUNTRY', 'TERRITORY')$$,
            'The place of an event must be a place, a country or a territory.',
            'The actor is the place of events, so it must be a place, a country or a territory.'
        )
$rules$;

create trigger events_kinds_entered after insert on events
    referencing new table as changed for each statement execute function check_actor_kinds();
create trigger events_kinds_changed after update on events
    referencing new table as changed for each statement execute function check_actor_kinds();

create table event_actors (
    event_id bigint constraint event_actors_event_id_fkey references events on delete cascade deferrable,
    actor_id bigint constraint event_actors_actor_id_fkey references actors deferrable,
    primary key (event_id, actor_id)
);
comment on table event_actors is 'Who did what an event is.';
comment on column event_actors.event_id is 'The event.';
comment on column event_actors.actor_id is 'Who did it.';

create index event_actors_by_actor on event_actors (actor_id, event_id);

create table event_targets (
    event_id bigint constraint event_targets_event_id_fkey references events on delete cascade deferrable,
    actor_id bigint constraint event_targets_actor_id_fkey references actors deferrable,
    primary key (event_id, actor_id)
);
comment on table event_targets is 'To whom what an event is was done.';
comment on column event_targets.event_id is 'The event.';
comment on column event_targets.actor_id is 'To whom it was done.';

create index event_targets_by_actor on event_targets (actor_id, event_id);

create table statement_events (
    statement_id bigint constraint statement_events_statement_id_fkey references statements on delete cascade deferrable,
    event_id bigint constraint statement_events_event_id_fkey references events deferrable,
    kind statement_event_kind not null,
    primary key (statement_id, event_id)
);
comment on table statement_events is 'Events that statements call for, deny or refer to.';
comment on column statement_events.statement_id is 'The statement.';
comment on column statement_events.event_id is 'The event.';
comment on column statement_events.kind is 'How the statement relates to the event.';

create index statement_events_by_event on statement_events (event_id, statement_id);
create index statement_events_by_kind on statement_events (kind, statement_id);

call keep_history('event_actors', 'event_id', 'event_id', 'event_id, actor_id', false);
call keep_history('event_targets', 'event_id', 'event_id', 'event_id, actor_id', false);
call keep_history('statement_events', 'statement_id', 'statement_id', 'statement_id, event_id', false);
call register_record_type('events', 'event');
