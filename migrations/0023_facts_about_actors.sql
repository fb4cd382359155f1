-- Facts about actors: a summary, the kind of organization, when they exist, gender, links and coordinates; and when a
-- further name is in use.

create type organization_kind as enum (
    'PARTY', 'PARLIAMENT', 'PARLIAMENTARY_GROUP', 'COMMITTEE', 'GOVERNMENT', 'MINISTRY', 'PUBLIC_BODY', 'COURT',
    'SECURITY_FORCE', 'ARMED_GROUP', 'INTERNATIONAL_BODY', 'COMPANY', 'ASSOCIATION', 'UNIVERSITY', 'OTHER'
);
create type gender as enum ('FEMALE', 'MALE', 'OTHER');
create type actor_link_kind as enum ('IMAGE', 'WEBSITE', 'PROFILE', 'CONTACT', 'OTHER');
comment on type organization_kind is 'The kind of an organization, medium or group.';
comment on type gender is 'The gender of a person, as a source states it.';
comment on type actor_link_kind is 'What a link of an actor leads to.';

-- Full-text search finds actors by their summary too.
alter table actors drop column search;
alter table actors
    add column summary filled_text,
    add column organization_kind organization_kind,
    add column born_on partial_date,
    add column died_on partial_date,
    add column founded_on partial_date,
    add column dissolved_on partial_date,
    add column gender gender,
    add column latitude double precision,
    add column longitude double precision,
    add column coordinate_precision integer,
    add column plain_summary text generated always as (plain(summary)) stored,
    add column search tsvector not null generated always as (searchable(name, summary)) stored,
    add constraint actors_organization_kind_kind
        check (organization_kind is null or kind in ('ORGANIZATION', 'MEDIA', 'GROUP')),
    add constraint actors_born_on_kind check (born_on is null or kind = 'PERSON'),
    add constraint actors_died_on_kind check (died_on is null or kind = 'PERSON'),
    add constraint actors_founded_on_kind check (founded_on is null or kind <> 'PERSON'),
    add constraint actors_dissolved_on_kind check (dissolved_on is null or kind <> 'PERSON'),
    add constraint actors_gender_kind check (gender is null or kind = 'PERSON'),
    add constraint actors_born_before_died check (starts_before_end(born_on, died_on)),
    add constraint actors_founded_before_dissolved check (starts_before_end(founded_on, dissolved_on)),
    add constraint actors_latitude_range check (latitude between -90 and 90),
    add constraint actors_longitude_range check (longitude between -180 and 180),
    add constraint actors_both_coordinates check ((latitude is null) = (longitude is null)),
    add constraint actors_coordinate_precision_positive check (coordinate_precision > 0),
    add constraint actors_precision_of_coordinates check (coordinate_precision is null or latitude is not null);
comment on column actors.summary is 'What is known of it, in the editors'' words.';
comment on column actors.organization_kind is 'The kind of an organization, medium or group.';
comment on column actors.born_on is 'When a person was born, as exactly as is known.';
comment on column actors.died_on is 'When a person died, as exactly as is known.';
comment on column actors.founded_on is 'When anything but a person was founded, as exactly as is known.';
comment on column actors.dissolved_on is 'When anything but a person ceased to exist, as exactly as is known.';
comment on column actors.gender is 'The gender of a person, as a source states it.';
comment on column actors.latitude is 'Degrees north of the equator; negative to the south.';
comment on column actors.longitude is 'Degrees east of Greenwich; negative to the west.';
comment on column actors.coordinate_precision is 'How far the true place may be from the coordinates, in metres.';
comment on column actors.plain_summary is 'The summary without capital letters and accents.';
comment on column actors.search is 'What full-text search finds it by.';
comment on constraint actors_organization_kind_kind on actors is
    'Only actors of kind ORGANIZATION, MEDIA or GROUP have an organization kind.';
comment on constraint actors_born_on_kind on actors is 'Only a person is born: others have `foundedOn`.';
comment on constraint actors_died_on_kind on actors is 'Only a person dies: others have `dissolvedOn`.';
comment on constraint actors_founded_on_kind on actors is 'A person is not founded: a person has `bornOn`.';
comment on constraint actors_dissolved_on_kind on actors is 'A person is not dissolved: a person has `diedOn`.';
comment on constraint actors_gender_kind on actors is 'Only a person has a gender.';
comment on constraint actors_born_before_died on actors is 'A person dies no earlier than they are born.';
comment on constraint actors_founded_before_dissolved on actors is 'It is dissolved no earlier than it is founded.';
comment on constraint actors_latitude_range on actors is 'A latitude is from -90 to 90 degrees.';
comment on constraint actors_longitude_range on actors is 'A longitude is from -180 to 180 degrees.';
comment on constraint actors_both_coordinates on actors is 'Latitude and longitude are given together.';
comment on constraint actors_coordinate_precision_positive on actors is 'The precision is 1 metre or more.';
comment on constraint actors_precision_of_coordinates on actors is 'A precision needs latitude and longitude.';

create index actors_search on actors using gin (search);
create index actors_summary_trigrams on actors using gin (plain_summary gin_trgm_ops);
create index actors_by_organization_kind on actors (organization_kind, id);
create index actors_by_gender on actors (gender, id);
create index actors_born_on on actors using gist (partial_date_range(born_on));
create index actors_died_on on actors using gist (partial_date_range(died_on));
create index actors_founded_on on actors using gist (partial_date_range(founded_on));
create index actors_dissolved_on on actors using gist (partial_date_range(dissolved_on));
create index actors_by_latitude on actors (latitude, id);
create index actors_by_longitude on actors (longitude, id);
create index actors_by_coordinate_precision on actors (coordinate_precision, id);

create table actor_links (
    id bigint generated always as identity primary key,
    actor_id bigint not null constraint actor_links_actor_id_fkey references actors on delete cascade deferrable,
    url text not null constraint actor_links_url_form check (url ~ '^(https?://|mailto:|tel:)\S+$'),
    kind actor_link_kind not null,
    note filled_text,
    constraint actor_links_key unique (actor_id, url, kind)
);
comment on table actor_links is 'Links of actors: images, websites, profiles, contacts.';
comment on column actor_links.id is 'Number of the row.';
comment on column actor_links.actor_id is 'Whose link it is.';
comment on column actor_links.url is 'The address.';
comment on column actor_links.kind is 'What it leads to.';
comment on column actor_links.note is 'What it is, in words.';
comment on constraint actor_links_url_form on actor_links is
    'It takes an address that begins with http://, https://, mailto: or tel:.';

create index actor_links_by_url on actor_links (url, actor_id);
create index actor_links_by_kind on actor_links (kind, actor_id);

call keep_history('actor_links', 'actor_id', 'actor_id', 'id', false);

-- A name may be in use in two periods.
alter table actor_names
    add column valid_from partial_date,
    add column valid_until partial_date,
    add column valid_during daterange generated always as (period(valid_from, valid_until)) stored,
    add constraint actor_names_start_before_end check (starts_before_end(valid_from, valid_until)),
    drop constraint actor_names_key,
    add constraint actor_names_key unique nulls not distinct (actor_id, name, language, script, kind, valid_from, valid_until);
comment on column actor_names.valid_from is 'Since when it is in use, as exactly as is known.';
comment on column actor_names.valid_until is 'Until when it was in use, as exactly as is known.';
comment on column actor_names.valid_during is 'The days on which it may have been in use, open where an end is unknown; null where both are.';
comment on constraint actor_names_start_before_end on actor_names is 'A name falls out of use no earlier than it comes into use.';

create index actor_names_valid_during on actor_names using gist ((coalesce(valid_during, '(,)'::daterange)));
create index actor_names_by_valid_during on actor_names (valid_during);

call rebuild_history_views();
