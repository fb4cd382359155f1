select 1::bigint, t.locator, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where true and ((true and t.locator = any($1))) order by t.id limit $2;
select 1::bigint, t.operation, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where true and ((true and t.part = $1)) order by t.id limit $2;
select t.id, t.id, t.slug, (case when length(t.question) <= 120 then t.question else regexp_replace(left(t.question, 119), '\s+\S*$', '') || '…' end) from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, (case when length(t.question) <= 120 then t.question else regexp_replace(left(t.question, 119), '\s+\S*$', '') || '…' end) from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, (case when length(t.summary) <= 120 then t.summary else regexp_replace(left(t.summary, 119), '\s+\S*$', '') || '…' end) from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, (t.name) from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, (t.name) from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, (t.name) from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, coalesce(t.label, initcap(t.kind::text)) from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, coalesce(t.label, initcap(t.kind::text)) from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.holder_id, t.topic_id, (select h.name || case t.stance when 'NEUTRAL' then ' is neutral on '
                    else ' ' || lower(replace(t.stance::text, '_', ' ')) || ' ' end || o.name
             from actors h, topics o where h.id = t.holder_id and o.id = t.topic_id) from positions t where t.id = any((select $1::bigint[])::bigint[]);
with k0 as (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actors where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name) union all select actor_id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actor_names where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m group by id) m), k1 as (select 1 as kind, id, ((1::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from meetings where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m), k2 as (select 2 as kind, id, ((2::bigint << 56) + id) as place, score::real as score from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from statements where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) m), k3 as (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from events where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m), k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from commentaries where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from topics where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m), k6 as (select 6 as kind, id, ((6::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2
             ) as score
             from sources where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(title) or plain($2) % plain(title) union all select source_id as id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from source_passages where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) m group by id) m), k7 as (select 7 as kind, id, ((7::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from motions where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m) select total, h.* from (select null::bigint) c (total) left join (
             select * from (select * from k0 union all select * from k1 union all select * from k2 union all select * from k3 union all select * from k4 union all select * from k5 union all select * from k6 union all select * from k7) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select sort, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ((select 0 as sort, t.id, 0 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, coalesce(t.starts_on, t.ends_on) as date, t.held_during as during
                   from meetings t where true order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1) union all (select 1 as sort, t.id, 72057594037927936 + t.id as place, coalesce(lower(t.said_during), 'infinity'::date) as day, t.said_on as date, t.said_during as during
                   from statements t where true order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $1) union all (select 2 as sort, t.id, 144115188075855872 + t.id as place, coalesce(lower(t.occurred_during), 'infinity'::date) as day, coalesce(t.occurred_on, t.ended_on) as date, t.occurred_during as during
                   from events t where true order by coalesce(lower(t.occurred_during), 'infinity'::date), t.id limit $1) union all (select 3 as sort, t.id, 216172782113783808 + t.id as place, coalesce(lower(sources.published_during), 'infinity'::date) as day, sources.published_on as date, sources.published_during as during
                   from commentaries t join sources on sources.id = t.source_id where true order by coalesce(lower(sources.published_during), 'infinity'::date), t.id limit $1) union all (select 4 as sort, t.id, 288230376151711744 + t.id as place, coalesce(lower(t.proposed_during), 'infinity'::date) as day, t.proposed_on as date, t.proposed_during as during
                   from motions t where true order by coalesce(lower(t.proposed_during), 'infinity'::date), t.id limit $1) union all (select 5 as sort, t.id, 360287970189639680 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, t.held_on as date, t.held_during as during
                   from divisions t where true order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1)) e order by day, place limit $1;
