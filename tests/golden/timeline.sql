select t.id from actors t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
with recursive below as (
        select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
    ) select (select count(*) from meetings t where true and t.id in (select meeting_id from meeting_participants where actor_id = $2
                   union select id from meetings where venue_id = $2) and t.id in (select meeting_id from meeting_topics where topic_id in (select id from below))) + (select count(*) from statements t where true and t.id in (select id from statements where speaker_id = $2
                   union select id from statements where on_behalf_of_id = $2
                   union select statement_id from statement_addressees where actor_id = $2) and t.id in (select statement_id from statement_topics where topic_id in (select id from below))) + (select count(*) from commentaries t join sources on sources.id = t.source_id where true and t.id in (select id from commentaries where author_id = $2
                   union select commentary_id from commentary_targets where actor_id = $2) and t.id in (select commentary_id from commentary_targets where topic_id in (select id from below)));
with recursive below as (
        select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
    ) select sort, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ((select 0 as sort, t.id, 0 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, coalesce(t.starts_on, t.ends_on) as date, t.held_during as during
                   from meetings t where true and t.id in (select meeting_id from meeting_participants where actor_id = $2
                   union select id from meetings where venue_id = $2) and t.id in (select meeting_id from meeting_topics where topic_id in (select id from below)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1) union all (select 1 as sort, t.id, 72057594037927936 + t.id as place, coalesce(lower(t.said_during), 'infinity'::date) as day, t.said_on as date, t.said_during as during
                   from statements t where true and t.id in (select id from statements where speaker_id = $2
                   union select id from statements where on_behalf_of_id = $2
                   union select statement_id from statement_addressees where actor_id = $2) and t.id in (select statement_id from statement_topics where topic_id in (select id from below)) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $1) union all (select 2 as sort, t.id, 144115188075855872 + t.id as place, coalesce(lower(sources.published_during), 'infinity'::date) as day, sources.published_on as date, sources.published_during as during
                   from commentaries t join sources on sources.id = t.source_id where true and t.id in (select id from commentaries where author_id = $2
                   union select commentary_id from commentary_targets where actor_id = $2) and t.id in (select commentary_id from commentary_targets where topic_id in (select id from below)) order by coalesce(lower(sources.published_during), 'infinity'::date), t.id limit $1)) e order by day, place limit $1;
