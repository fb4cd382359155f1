select array[search_query($1::text[])::text, english_query($1::text[])::text];
select t.id, t.id, t.author_id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.speaker_id, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.kind, t.id, t.field, ts_headline(coalesce(dictionary_of(t.language), 'dossier_english'), left(t.text, 10000), (
    select coalesce(string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' | '), '')::tsquery
    from unnest(tsvector_to_array(
        to_tsvector('dossier_english', $5) || to_tsvector('dossier_simple', $5)
        || coalesce(to_tsvector(dictionary_of(t.language), $5), '')
    )) word
), $4) as headline,
                array(
                    select c.id from citation_anchors a join citations c on c.id = a.citation_id and c.source_id = t.id
                    where a.sha256 = t.sha256 and t.number between a.first_passage and a.last_passage order by a.starts, c.id
                ) as citations
         from (select 0 as kind, 0 as ordinal, id as id, 'name' as field, name as text, actors.name_language::text as language,
                    null as sha256, null::integer as number
             from actors where id = any($2) and 0 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 0 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text, actors.summary_language::text as language,
                    null as sha256, null::integer as number
             from actors where id = any($2) and 0 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 0 as kind, 2 as ordinal, actor_id as id, 'names' as field, name as text, language::text as language,
                    null as sha256, null::integer as number
             from actor_names where actor_id = any($2) and 0 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 0 as kind, 2 as ordinal, actor_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where actor_id = any($2) and 0 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 1 as kind, 0 as ordinal, id as id, 'name' as field, name as text, meetings.name_language::text as language,
                    null as sha256, null::integer as number
             from meetings where id = any($2) and 1 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 1 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text, meetings.summary_language::text as language,
                    null as sha256, null::integer as number
             from meetings where id = any($2) and 1 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 1 as kind, 2 as ordinal, meeting_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where meeting_id = any($2) and 1 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 2 as kind, 0 as ordinal, id as id, 'summary' as field, summary as text, statements.summary_language::text as language,
                    null as sha256, null::integer as number
             from statements where id = any($2) and 2 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 2 as kind, 1 as ordinal, id as id, 'quote' as field, quote as text, coalesce(statements.quote_language, statements.language)::text as language,
                    null as sha256, null::integer as number
             from statements where id = any($2) and 2 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 2 as kind, 2 as ordinal, statement_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where statement_id = any($2) and 2 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 2 as kind, 90 as ordinal, id as id, 'topics' as field, name as text, language::text as language,
                    null as sha256, null::integer as number
             from (select l.statement_id as id, o.name as name, o.name_language as language, o.search
                      from statement_topics l join topics o on o.id = l.topic_id) l where id = any($2) and 2 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 2 as kind, 90 as ordinal, id as id, 'topics' as field, name as text, language::text as language,
                    null as sha256, null::integer as number
             from (select l.statement_id as id, o.name as name, o.language as language, o.search
                      from statement_topics l join topic_names o on o.topic_id = l.topic_id) l where id = any($2) and 2 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 3 as kind, 0 as ordinal, id as id, 'name' as field, name as text, events.name_language::text as language,
                    null as sha256, null::integer as number
             from events where id = any($2) and 3 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 3 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text, events.summary_language::text as language,
                    null as sha256, null::integer as number
             from events where id = any($2) and 3 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 3 as kind, 2 as ordinal, event_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where event_id = any($2) and 3 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 4 as kind, 0 as ordinal, id as id, 'question' as field, question as text, commentaries.question_language::text as language,
                    null as sha256, null::integer as number
             from commentaries where id = any($2) and 4 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 4 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text, commentaries.summary_language::text as language,
                    null as sha256, null::integer as number
             from commentaries where id = any($2) and 4 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 4 as kind, 2 as ordinal, commentary_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where commentary_id = any($2) and 4 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 5 as kind, 0 as ordinal, id as id, 'name' as field, name as text, topics.name_language::text as language,
                    null as sha256, null::integer as number
             from topics where id = any($2) and 5 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 5 as kind, 1 as ordinal, topic_id as id, 'names' as field, name as text, language::text as language,
                    null as sha256, null::integer as number
             from topic_names where topic_id = any($2) and 5 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 6 as kind, 0 as ordinal, id as id, 'title' as field, title as text, sources.title_language::text as language,
                    null as sha256, null::integer as number
             from sources where id = any($2) and 6 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 6 as kind, 1 as ordinal, source_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where source_id = any($2) and 6 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 6, 100, h.id, 'text', p.text, p.language, p.sha256, p.number from unnest($2::bigint[]) h (id) cross join lateral (
                 select text, language::text, sha256, number from source_passages n where source_id = h.id and search @@ ($1::text[])[1]::tsquery and exists (
                 select from citation_anchors a join citations c on c.id = a.citation_id and c.source_id = h.id
                 where a.sha256 = n.sha256 and n.number between a.first_passage and a.last_passage and exists (
             select from text_passages s
             where s.sha256 = n.sha256 and s.number = n.number and s.starts < a.starts + 5000
         )
             )
                 order by search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) desc, number limit 3
             ) p where 6 = any($3) union all select 7 as kind, 0 as ordinal, id as id, 'name' as field, name as text, motions.name_language::text as language,
                    null as sha256, null::integer as number
             from motions where id = any($2) and 7 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 7 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text, motions.summary_language::text as language,
                    null as sha256, null::integer as number
             from motions where id = any($2) and 7 = any($3) and search @@ ($1::text[])[1]::tsquery union all select 7 as kind, 2 as ordinal, motion_id as id, lower(field::text) as field, value as text, language::text as language,
                    null as sha256, null::integer as number
             from translations where motion_id = any($2) and 7 = any($3) and search @@ ($1::text[])[1]::tsquery) t join unnest($2::bigint[], $3::integer[]) hit (id, kind) using (kind, id)
         where t.text is not null order by t.ordinal, t.text;
with k0 as (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actors where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actor_names where actor_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where actor_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k1 as (select 1 as kind, id, ((1::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from meetings where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select meeting_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where meeting_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from meetings o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k2 as (select 2 as kind, id, ((2::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from statements where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select statement_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where statement_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from statements o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id union all select b.id, max(b.score) * 1e-6::real from (
             select l.statement_id as id, m.score from (
                 select id, max(score) as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topics
             where id is not null and search @@ ($1::text[])[1]::tsquery union all select topic_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topic_names
             where topic_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id order by score desc, id limit 5
             ) m cross join lateral (
                 select statement_id from statement_topics l where l.topic_id = m.id order by l.statement_id desc limit 20
             ) l
         ) b where not exists (select from statements f where f.id = b.id and f.search @@ ($1::text[])[1]::tsquery) and not exists (select from translations f where f.statement_id = b.id and f.search @@ ($1::text[])[1]::tsquery) group by b.id) m), k3 as (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from events where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select event_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where event_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from events o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from commentaries where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select commentary_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where commentary_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from commentaries o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topics where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select topic_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topic_names where topic_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) m group by id) m), k6 as (select 6 as kind, id, ((6::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2) as score from sources where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(title) or plain($2) % plain(title)) union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from source_passages where source_id is not null and search @@ ($1::text[])[1]::tsquery union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where source_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k7 as (select 7 as kind, id, ((7::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from motions where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select motion_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where motion_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from motions o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m) select counts, h.* from (select array[(select count(*) from k0), (select count(*) from k1), (select count(*) from k2), (select count(*) from k3), (select count(*) from k4), (select count(*) from k5), (select count(*) from k6), (select count(*) from k7)]::bigint[]) c (counts) left join (
             select * from (select * from k0 union all select * from k1 union all select * from k2 union all select * from k3 union all select * from k4 union all select * from k5 union all select * from k6 union all select * from k7) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
