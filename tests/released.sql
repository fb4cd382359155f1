select p.place, (select count(*) from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.name, t.kind, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from meeting_topics l join topics t on t.id = l.topic_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.venue_id, t.id from meetings t where t.slug = $1;
select p.place, (select count(*) from statements t where t.speaker_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.statement_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from statement_addressees l join actors t on t.id = l.actor_id where l.statement_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from statement_topics l join topics t on t.id = l.topic_id where l.statement_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.summary, t.speaker_role, t.event_type, t.on_behalf_of_id, t.meeting_id, t.publication_id, t.id from statements t where t.speaker_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.venue_id from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.id from actors t where t.slug = $1;
select 1::bigint, count(*) from commentaries t where true and (exists (select from actors t1 where t1.id = t.author_id and ((true and t1.slug = $1))));
select 1::bigint, t.ordinal, t.question, t.summary, t.id from commentaries t where true and (exists (select from actors t1 where t1.id = t.author_id and ((true and t1.slug = $1)))) order by t.ordinal, t.id limit $2;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.commentary_id = p.id order by t.id limit $2) r;
select t.commentary_id, t.actor_id, t.meeting_id, t.statement_id, t.topic_id from commentary_targets t where t.commentary_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from statements t where t.id = any((select $1::bigint[])::bigint[]);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.holder_id, t.stance, t.id from positions t where t.topic_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.position_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.summary, t.author_id, t.source_id from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.title from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.id from topics t where t.slug = $1;
select t.position_id, t.role, t.statement_id, t.commentary_id, t.vote_id from position_evidence t where t.position_id = any((select $1::bigint[])::bigint[]) order by t.id;
select p.place, (select count(*) from statements t where t.speaker_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.name, t.id from meeting_participants l join meetings t on t.id = l.meeting_id where l.actor_id = p.id order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.kind, coalesce(t.label, initcap(t.kind::text)), t.subject_id, t.object_id from relations t where (t.subject_id = p.id or t.object_id = p.id) order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator, t.source_id from citations t where t.actor_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.question, t.author_id, t.id from commentary_targets l join commentaries t on t.id = l.commentary_id where l.actor_id = p.id order by t.ordinal, t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.stance, t.topic_id from positions t where t.holder_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.summary, t.speaker_id from statements t where t.on_behalf_of_id = p.id order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.title from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.name, t.kind, t.id from actors t where t.slug = $1;
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
                 select id, max(score) as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topics where id is not null and search @@ ($1::text[])[1]::tsquery union all select topic_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topic_names where topic_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id order by score desc, id limit 5
             ) m cross join lateral (
                 select statement_id from statement_topics l where l.topic_id = m.id order by l.statement_id desc limit 20
             ) l
         ) b where not exists (select from statements f where f.id = b.id and f.search @@ ($1::text[])[1]::tsquery) and not exists (select from translations f where f.statement_id = b.id and f.search @@ ($1::text[])[1]::tsquery) group by b.id) m), k3 as (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from events where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select event_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where event_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from events o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from commentaries where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select commentary_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where commentary_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from commentaries o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topics where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select topic_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topic_names where topic_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) m group by id) m), k6 as (select 6 as kind, id, ((6::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2) as score from sources where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(title) or plain($2) % plain(title)) union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from source_passages where source_id is not null and search @@ ($1::text[])[1]::tsquery union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where source_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k7 as (select 7 as kind, id, ((7::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from motions where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select motion_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where motion_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from motions o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m) select counts, h.* from (select array[(select count(*) from k0), (select count(*) from k1), (select count(*) from k2), (select count(*) from k3), (select count(*) from k4), (select count(*) from k5), (select count(*) from k6), (select count(*) from k7)]::bigint[]) c (counts) left join (
             select * from (select * from k0 union all select * from k1 union all select * from k2 union all select * from k3 union all select * from k4 union all select * from k5 union all select * from k6 union all select * from k7) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, 1 as turn from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3;
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select source, target, type, kind, relation_kind, count(*) as weight, max(id) as id
         from (select 0 as type, 'RELATION' as kind, t.* from (select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)) t union all select 1 as type, 'CO_PARTICIPATION' as kind, t.* from (select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)) t union all select 2 as type, 'STATEMENT' as kind, t.* from (select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id) t union all select 3 as type, 'EVENT' as kind, t.* from (select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id) t) t where source <> all($2) or target <> all($2)
         group by 1, 2, 3, 4, 5 order by weight desc, 1, 2, 4, 5;
select t.*, case type when 0 then (select label from relations r where r.id = t.id) when 1 then (select name from meetings r where r.id = t.id) when 2 then (select summary from statements r where r.id = t.id) when 3 then (select coalesce(name, summary) from events r where r.id = t.id) end as label from (
             select distinct on (1, 2) least(source, target) as one, greatest(source, target) as other, type, kind, id
             from (select 0 as type, 'RELATION' as kind, t.* from (select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)) t union all select 1 as type, 'CO_PARTICIPATION' as kind, t.* from (select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)) t union all select 2 as type, 'STATEMENT' as kind, t.* from (select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id) t union all select 3 as type, 'EVENT' as kind, t.* from (select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id) t) t order by 1, 2, type, id desc
         ) t;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select p.place, (select count(*) from commentaries t where t.author_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.slug, t.id from meeting_participants l join meetings t on t.id = l.meeting_id where l.actor_id = p.id order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.kind, coalesce(t.label, initcap(t.kind::text)), t.object_id from relations t where (t.subject_id = p.id or t.object_id = p.id) order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator, t.source_id from citations t where t.actor_id = p.id order by t.id limit $2) r;
select t.actor_id, t.name, t.kind, t.language, t.script, t.valid_from, t.valid_until from actor_names t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.actor_id, t.scheme, t.value from actor_identifiers t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.scheme, t.value;
select t.actor_id, t.url, t.kind, t.note from actor_links t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.kind, t.name, t.summary, t.organization_kind, t.born_on, t.died_on, t.founded_on, t.dissolved_on, t.gender, t.latitude, t.longitude, t.coordinate_precision from actors t where t.slug = $1;
select 1::bigint, count(*) from actors t where true and ((true and t.kind = $1::actor_kind));
select 1::bigint, t.name from actors t where true and ((true and t.kind = $1::actor_kind)) order by lower(t.name), t.id limit $2;
select 1::bigint, t.name from actors t where true and (exists (select from statements t1 where t1.speaker_id = t.id and (t1.id = any(array(select l4.statement_id from statement_topics l4 join topics t3 on t3.id = l4.topic_id where (t3.id in (with recursive t6 as (select t5.id from topics t5 where t5.slug = $1 union select t5.id from topics t5 join t6 on t5.parent_id = t6.id) select t6.id from t6))))))) order by lower(t.name), t.id limit $2;
select 1::bigint, t.name from actors t where true and (not coalesce(((true and t.kind = any($1::text[]::actor_kind[]))), false) and (true and plain(t.name) like '%' || literally($2) || '%')) order by lower(t.name) desc, t.id desc limit $3;
select 1::bigint, t.name, t.kind from actors t where true and (t.id in (select t1.id from actors t1 where (true and t1.name = $1) union all select t2.actor_id from actor_names t2 where (true and t2.name = $2))) order by lower(t.name), t.id limit $3;
/* as of */ select 1::bigint, count(*) from meetings t where true;
/* as of */ select 1::bigint, count(*) from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1))));
/* as of */ select 1::bigint, r.* from (select t.name from meetings t where true order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit 101) r limit $1;
/* as of */ select 1::bigint, t.slug from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1)))) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $2;
/* as of */ select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.topic_id, t.stance from positions t where t.holder_id = p.id order by t.id limit $2) r;
/* as of */ select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
/* as of */ select t.id, t.name, t.kind, t.id, (select coalesce(max(id), 0) from revisions where actor_id = t.id) from actors t where t.slug = $1;
select ($1::timestamptz <= clock_timestamp())::integer::bigint, (select case when exists (select from revisions where change = last.change and id > last.id) then last.change - 1 else last.id end from (select id, change from revisions where recorded_at <= $1::timestamptz order by recorded_at desc, id desc limit 1) last);
select (select coalesce(max(id), 0) from revisions), (select max(id) from revisions where change = (select change from revisions where id <= $1 order by id desc limit 1));
select (select coalesce(max(id), 0) from revisions), (select max(id) from revisions where change = (select change from revisions where id <= $1 order by id desc limit 1));
select 1::bigint, t.source_id, t.credibility, t.id, (select admiralty_grade(s.reliability, t.credibility) from sources s where s.id = t.source_id), t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where true and ((true and t.locator = $1)) order by t.id limit $2;
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.commentary_id = p.id order by t.id limit $2) r;
select t.commentary_id, t.actor_id, t.meeting_id, t.statement_id, t.topic_id from commentary_targets t where t.commentary_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.ordinal, t.question, t.summary, t.likelihood, t.confidence, t.author_id, t.source_id from commentaries t where t.slug = $1;
select t.id, t.id, t.slug, t.title, t.publisher_id from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.summary, t.speaker_id from statements t where t.id = any((select $1::bigint[])::bigint[]);
select 1::bigint, count(*) from (select from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1)))) limit $2) c;
select 1::bigint, count(*) from actors t where true;
select 1::bigint, t.name, t.id from meetings t where true and ((true and t.slug = $1)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2;
select 1::bigint, t.value, t.count from (select extract(year from lower(r.said_during))::integer as value, count(*)::integer as count from (select t.* from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1))))) r group by 1 order by 2 desc, 1 limit $2) t;
select 1::bigint, t.value, t.count from (select f.topic_id as value, count(*)::integer as count from (select t.* from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1))))) r left join statement_topics f on f.statement_id = r.id group by 1 order by 2 desc, 1 limit $2) t;
select 1::bigint, t.value, t.count from (select r.event_type as value, count(*)::integer as count from (select t.* from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1))))) r group by 1 order by 2 desc, 1 limit $2) t;
select 1::bigint, t.value, t.count from (select r.kind as value, count(*)::integer as count from (select t.* from actors t where true) r group by 1 order by 2 desc, 1 limit $1) t;
select 1::bigint, t.value, t.count from (select r.speaker_id as value, count(*)::integer as count from (select t.* from statements t where true and (true)) r group by 1 order by 2 desc, 1 limit $1) t;
select 1::bigint, t.value, t.count from (select r.stance as value, count(*)::integer as count from (select t.* from positions t where true) r group by 1 order by 2 desc, 1 limit $1) t;
select 1::bigint, t.value, t.count from (select r.topic_id as value, count(*)::integer as count from (select t.* from positions t where true) r group by 1 order by 2 desc, 1 limit $1) t;
select p.place, (select count(*) from statements t where t.meeting_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, t.value, t.count from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select r.kind as value, count(*)::integer as count from (select t.* from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id) r group by 1 order by 2 desc, 1 limit $2) t;
select p.place, t.value, t.count from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select r.speaker_id as value, count(*)::integer as count from (select t.* from statements t where t.meeting_id = p.id) r group by 1 order by 2 desc, 1 limit $2) t;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, (coalesce(t.name, case when length(t.summary) <= 120 then t.summary else regexp_replace(left(t.summary, 119), '\s+\S*$', '') || '…' end)), t.summary, t.event_type, t.mode, t.occurred_on, t.ended_on, t.killed, t.injured, t.amount::text, t.currency, t.place_id, t.meeting_id, t.parent_id from events t where t.slug = $1;
select 1::bigint, count(*) from events t where true and (exists (select from event_targets l2 join actors t1 on t1.id = l2.actor_id where l2.event_id = t.id and ((true and t1.slug = $1))));
select 1::bigint, t.slug, t.amount::text, t.currency from events t where true and ((true and t.amount >= $1::numeric) and (true and t.currency = $2)) order by coalesce(lower(t.occurred_during), '-infinity'::date) desc, t.id desc limit $3;
select 1::bigint, t.slug, t.id from events t where true and (exists (select from statement_events t1 where t1.event_id = t.id and ((true and t1.kind = $1::statement_event_kind) and t1.statement_id = any(array(select t3.id from statements t3 where (t3.speaker_id = any(array(select t4.id from actors t4 where ((true and t4.slug = $2)))))))))) order by coalesce(lower(t.occurred_during), 'infinity'::date), t.id limit $3;
select 1::bigint, t.slug, t.id from statements t where true and (exists (select from statement_events t1 where t1.statement_id = t.id and ((true and t1.kind = $1::statement_event_kind)))) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $2;
select 1::bigint, t.slug, t.mode, t.killed from events t where true and ((true and t.event_type = $1::text) and (true and t.killed >= $2) and (true and t.occurred_during && daterange(lower(partial_date_range($3)), upper(partial_date_range($4))))) order by coalesce(lower(t.occurred_during), 'infinity'::date), t.id limit $5;
select 1::bigint, t.value, t.count from (select f.actor_id as value, count(*)::integer as count from (select t.* from events t where true and ((true and t.event_type = $1::text) and (true and t.killed >= $2) and (true and t.occurred_during && daterange(lower(partial_date_range($3)), upper(partial_date_range($4)))))) r left join event_actors f on f.event_id = r.id group by 1 order by 2 desc, 1 limit $5) t;
select 1::bigint, t.value, t.count from (select r.mode as value, count(*)::integer as count from (select t.* from events t where true and ((true and t.event_type = $1::text) and (true and t.killed >= $2) and (true and t.occurred_during && daterange(lower(partial_date_range($3)), upper(partial_date_range($4)))))) r group by 1 order by 2 desc, 1 limit $5) t;
select 1::bigint, count(*) from actors t where true and ((true and t.latitude >= $1 and t.latitude <= $2) and (true and t.longitude is not null));
select 1::bigint, count(*) from statements t where true and ((true and t.said_during is null) and not coalesce(((true and t.rendering = $1::statement_rendering)), false));
select 1::bigint, count(*) from statements t where true and (not coalesce((t.speaker_id is not null), false));
select 1::bigint, t.name from actors t where true and (exists (select from meeting_participants t1 where t1.actor_id = t.id and ((true and t1.role = $1::participant_role)))) order by lower(t.name), t.id limit $2;
select 1::bigint, t.name from topics t where true and ((false or ((true and plain(t.name) like literally($1) || '%')) or (t.parent_id = any(array(select t1.id from topics t1 where ((true and t1.slug = $2))))))) order by lower(t.name), t.id limit $3;
select 1::bigint, t.name, t.id from actors t where true and (exists (select from actor_names t1 where t1.actor_id = t.id and ((true and plain(t1.name) like '%' || literally($1) || '%') and (true and t1.kind = any($2::text[]::actor_name_kind[]))))) order by lower(t.name), t.id limit $3;
select 1::bigint, t.slug, t.speaker_id, t.meeting_id from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and (t1.id = any(array(select l3.actor_id from related_actors l3 join actors t2 on t2.id = l3.related_id where ((true and t2.slug = $1)))))) and exists (select from meetings t4 where t4.id = t.meeting_id and (t4.venue_id = any(array(select t5.id from actors t5 where ((true and t5.kind = $2::actor_kind)))))) and exists (select from statement_topics l7 join topics t6 on t6.id = l7.topic_id where l7.statement_id = t.id and (t6.id in (with recursive t9 as (select t8.id from topics t8 where t8.slug = $3 union select t8.id from topics t8 join t9 on t8.parent_id = t9.id) select t9.id from t9)))) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $4;
select 1::bigint, t.slug, t.stance from positions t where true and (exists (select from commentaries t1 where t1.id = t.commentary_id and ((true and t1.ordinal >= $1))) and (true and (t.stance <> all($2::text[]::stance[])) is not false)) order by t.id limit $3;
select t.actor_id, t.name, t.kind from actor_names t where t.actor_id = any((select $1::bigint[])::bigint[]) order by t.id;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.venue_id from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select 1::bigint, count(*) from statements t where true and (exists (select from statement_topics l2 join topics t1 on t1.id = l2.topic_id where l2.statement_id = t.id and (true)));
select 1::bigint, t.said_on_quarter, t.medium, t.certain, t.possible from (select s0.unit as said_on_quarter, null::text as medium, max(sum)::integer as count, coalesce(max(n) filter (where s0.is_certain), 0)::integer as certain, (max(sum) - coalesce(max(n) filter (where s0.is_certain), 0))::integer as possible from (select * from (select *, (n + case when octet_length(k0) > 4 then coalesce(sum(n) filter (where octet_length(k0) = 4) over (partition by left(k0, 4)), 0) else 0 end)::bigint as sum from (select k0, count(*)::integer as n from (select (case when octet_length(r.said_on) < 7 then r.said_on::text else left(r.said_on, 5) || 'Q' || (substr(r.said_on, 6, 2)::integer + 2) / 3 end) collate "C" as k0 from (select t.* from statements t where true and (exists (select from statement_topics l2 join topics t1 on t1.id = l2.topic_id where l2.statement_id = t.id and (true)))) r) rows group by 1) g) g order by sum desc, rpad(k0, 7, '-Q1') nulls last limit $2) g cross join lateral (select g.k0, true where coalesce(octet_length(g.k0) = 7, true) union all select g.k0 || '-Q' || u, false from generate_series(1, 4) u where not coalesce(octet_length(g.k0) = 7, true)) s0 (unit, is_certain) group by 1 order by count desc, 1 nulls last limit $1) t;
select 1::bigint, t.speaker, t.said_on_month, t.count, t.certain, t.possible from (select g.k0 as speaker, s1.unit as said_on_month, sum(n)::integer as count, coalesce(sum(n) filter (where s1.is_certain), 0)::integer as certain, (sum(n) - coalesce(sum(n) filter (where s1.is_certain), 0))::integer as possible from (select * from (select k0, k1, count(*)::integer as n from (select r.speaker_id as k0, (left(r.said_on, 7)) collate "C" as k1 from (select t.* from statements t where true and (exists (select from statement_topics l2 join topics t1 on t1.id = l2.topic_id where l2.statement_id = t.id and (true)))) r) rows group by 1, 2) g order by k0 nulls last, rpad(k1, 7, '-01') nulls last limit $2) g cross join lateral (select g.k1, true where coalesce(octet_length(g.k1) = 7, true) union all select g.k1 || '-' || lpad(u::text, 2, '0'), false from generate_series(1, 12) u where not coalesce(octet_length(g.k1) = 7, true)) s1 (unit, is_certain) group by 1, 2 order by 1 nulls last, 2 nulls last limit $1) t;
select 1::bigint, t.topic, t.stance, t.count from (with rows as not materialized (select r.topic_id as k0, r.stance as k1 from (select t.* from positions t where true) r), totals as materialized (select k0 as record, count(*) as n from rows where k0 is not null group by 1), few as materialized (select record from totals order by n desc limit $1), busy as materialized (select g.* from few o cross join lateral (select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows where k0 = o.record group by 1, 2) g) g), least as (select coalesce((select min(sum) from (select sum from busy order by sum desc limit $1) b having count(*) = $1), 0) as sum), largest as (select * from (select * from busy union all select g.* from (select record from totals where n >= (select sum from least) and record not in (select record from few)) o cross join lateral (select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows where k0 = o.record group by 1, 2) g) g union all select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows where k0 is null group by 1, 2) g) g where sum >= (select sum from least)) select g.k0 as topic, g.k1 as stance, n::integer as count, n::integer as certain, 0 as possible from (select * from largest) g order by count desc, 1 nulls last, 2 nulls last limit $1) t;
select 1::bigint, t.topic_within, t.medium, t.count from (with rows as materialized (select t1.above as k0, r.medium as k1 from (select t.* from statements t where true and (exists (select from statement_topics l4 join topics t3 on t3.id = l4.topic_id where l4.statement_id = t.id and (true)))) r left join (select distinct t2.statement_id as id, t1.above from statement_topics t2 join (with recursive up (id, above) as (select id, id from topics union select up.id, topics.parent_id from up join topics on topics.id = up.above where topics.parent_id is not null) select id, above from up) t1 on t1.id = t2.topic_id) t1 on t1.id = r.id), totals as materialized (select k0 as record, count(*) as n from rows where k0 is not null group by 1), few as materialized (select record from totals order by n desc limit $1), busy as materialized (select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows join few o on k0 = o.record group by 1, 2) g), least as (select coalesce((select min(sum) from (select sum from busy order by sum desc limit $1) b having count(*) = $1), 0) as sum), largest as (select * from (select * from busy union all select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows join (select record from totals where n >= (select sum from least) and record not in (select record from few)) o on k0 = o.record group by 1, 2) g union all select *, (n)::bigint as sum from (select k0, k1, count(*)::integer as n from rows where k0 is null group by 1, 2) g) g where sum >= (select sum from least)) select g.k0 as topic_within, g.k1 as medium, n::integer as count, n::integer as certain, 0 as possible from (select * from largest) g order by count desc, 1 nulls last, 2 nulls last limit $1) t;
select p.place, t.meeting, t.count from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select g.k0 as meeting, n::integer as count, n::integer as certain, 0 as possible from (select k0, count(*)::integer as n from (select r.meeting_id as k0 from (select t.* from statements t where t.speaker_id = p.id) r) rows group by 1) g order by count desc, 1 nulls last limit $2) t;
select t.id, t.id from actors t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select 1::bigint, t.locator, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where true and ((true and t.locator = any($1))) order by t.id limit $2;
select 1::bigint, t.operation, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where true and ((true and t.part = $1)) order by t.id limit $2;
select array[search_query($1::text[])::text, english_query($1::text[])::text];
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
with k0 as (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actors where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actor_names where actor_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where actor_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k1 as (select 1 as kind, id, ((1::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from meetings where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select meeting_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where meeting_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from meetings o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k2 as (select 2 as kind, id, ((2::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from statements where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select statement_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where statement_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from statements o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id union all select b.id, max(b.score) * 1e-6::real from (
             select l.statement_id as id, m.score from (
                 select id, max(score) as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topics where id is not null and search @@ ($1::text[])[1]::tsquery union all select topic_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topic_names where topic_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id order by score desc, id limit 5
             ) m cross join lateral (
                 select statement_id from statement_topics l where l.topic_id = m.id order by l.statement_id desc limit 20
             ) l
         ) b where not exists (select from statements f where f.id = b.id and f.search @@ ($1::text[])[1]::tsquery) and not exists (select from translations f where f.statement_id = b.id and f.search @@ ($1::text[])[1]::tsquery) group by b.id) m), k3 as (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from events where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select event_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where event_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from events o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from commentaries where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select commentary_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where commentary_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from commentaries o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topics where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select topic_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topic_names where topic_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) m group by id) m), k6 as (select 6 as kind, id, ((6::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2) as score from sources where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(title) or plain($2) % plain(title)) union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from source_passages where source_id is not null and search @@ ($1::text[])[1]::tsquery union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where source_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k7 as (select 7 as kind, id, ((7::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from motions where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select motion_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where motion_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from motions o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m) select counts, h.* from (select array[]::bigint[]) c (counts) left join (
             select * from (select * from k0 union all select * from k1 union all select * from k2 union all select * from k3 union all select * from k4 union all select * from k5 union all select * from k6 union all select * from k7) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select type, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ((select 0 as type, t.id, 0 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, coalesce(t.starts_on, t.ends_on) as date, t.held_during as during
                   from meetings t where true order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1) union all (select 1 as type, t.id, 72057594037927936 + t.id as place, coalesce(lower(t.said_during), 'infinity'::date) as day, t.said_on as date, t.said_during as during
                   from statements t where true order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $1) union all (select 2 as type, t.id, 144115188075855872 + t.id as place, coalesce(lower(t.occurred_during), 'infinity'::date) as day, coalesce(t.occurred_on, t.ended_on) as date, t.occurred_during as during
                   from events t where true order by coalesce(lower(t.occurred_during), 'infinity'::date), t.id limit $1) union all (select 3 as type, t.id, 216172782113783808 + t.id as place, coalesce(lower(sources.published_during), 'infinity'::date) as day, sources.published_on as date, sources.published_during as during
                   from commentaries t join sources on sources.id = t.source_id where true order by coalesce(lower(sources.published_during), 'infinity'::date), t.id limit $1) union all (select 4 as type, t.id, 288230376151711744 + t.id as place, coalesce(lower(t.proposed_during), 'infinity'::date) as day, t.proposed_on as date, t.proposed_during as during
                   from motions t where true order by coalesce(lower(t.proposed_during), 'infinity'::date), t.id limit $1) union all (select 5 as type, t.id, 360287970189639680 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, t.held_on as date, t.held_during as during
                   from divisions t where true order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1)) e order by day, place limit $1;

    select n.place, plain(n.given) as plain_given, c.*
    from unnest($1::text[]) with ordinality n (given, place)
    cross join lateral (
        select m.actor_id, m.name, m.own, m.identifier, plain(m.name) as plain_name, l.likeness, l.part_likeness
        from (
            select id as actor_id, name, true as own, false as identifier from actors
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, name, false, false from actor_names
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, value, false, true from actor_identifiers where value = n.given
        ) m
        join actors on actors.id = m.actor_id
        cross join lateral (
            select similarity(plain(n.given), plain(m.name)), word_similarity(plain(n.given), plain(m.name))
        ) l (likeness, part_likeness)
        where $2::text[] is null or actors.kind = any($2::text[]::actor_kind[])
        order by m.identifier desc, l.likeness + l.part_likeness desc, m.actor_id
        limit 200
    ) c
    order by n.place;
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select l.role, t.slug, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.meeting_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.id from commentary_targets l join commentaries t on t.id = l.commentary_id where l.meeting_id = p.id order by t.ordinal, t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug from statements t where t.meeting_id = p.id order by coalesce(t.ordinal, 2147483647), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.id from meeting_topics l join topics t on t.id = l.topic_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.mode, t.venue_id, t.id from meetings t where t.parent_id = p.id order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.summary, t.mode, t.status, t.starts_on, t.ends_on, t.venue_id, t.parent_id from meetings t where t.slug = $1;
select 1::bigint, count(*) from meetings t where true and ((true and t.held_during && daterange(lower(partial_date_range($1)), upper(partial_date_range($2)))));
select 1::bigint, r.* from (select t.name from meetings t where true order by lower(t.name), t.id limit 101) r limit $1;
select 1::bigint, t.slug from meetings t where true and ((true and t.mode = $1::meeting_mode) and (true and t.status = $2::meeting_status)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $3;
select 1::bigint, t.slug from meetings t where true and (exists (select from actors t1 where t1.id = t.venue_id and ((true and t1.slug = $1)))) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2;
select 1::bigint, t.slug from meetings t where true and (exists (select from meeting_participants l2 join actors t1 on t1.id = l2.actor_id where l2.meeting_id = t.id and ((true and t1.slug = $1)))) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $2;
select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, 1 as turn from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3;
select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, 1 as turn from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3;
select source, target, type, kind, relation_kind, count(*) as weight, max(id) as id
         from (select 0 as type, 'RELATION' as kind, t.* from (select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)) t union all select 1 as type, 'CO_PARTICIPATION' as kind, t.* from (select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)) t union all select 2 as type, 'STATEMENT' as kind, t.* from (select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id) t union all select 3 as type, 'EVENT' as kind, t.* from (select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id) t) t where source <> all($2) or target <> all($2)
         group by 1, 2, 3, 4, 5 order by weight desc, 1, 2, 4, 5;
select t.id from actors t where t.slug = $1;
select t.id, t.id, coalesce(t.label, initcap(t.kind::text)) from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select m.id, t.id from merged_actors m join actors t on t.id = m.kept_id where m.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from citations t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from revisions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select distinct known, actor from (select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1) union all select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1) union all select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id union all select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id) t;
select t.*, case type when 0 then (select label from relations r where r.id = t.id) when 1 then (select name from meetings r where r.id = t.id) when 2 then (select summary from statements r where r.id = t.id) when 3 then (select coalesce(name, summary) from events r where r.id = t.id) end as label from (
             select distinct on (1, 2) least(source, target) as one, greatest(source, target) as other, type, kind, id
             from (select 0 as type, 'RELATION' as kind, t.* from (select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)) t union all select 1 as type, 'CO_PARTICIPATION' as kind, t.* from (select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)) t union all select 2 as type, 'STATEMENT' as kind, t.* from (select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id) t union all select 3 as type, 'EVENT' as kind, t.* from (select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id) t) t order by 1, 2, type, id desc
         ) t;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select 1::bigint, r.* from (select t.slug, t.stance, t.holder_id, t.topic_id, t.statement_id, t.commentary_id, t.vote_id, t.confidence, t.held_from, t.id from positions t where true order by t.id limit 101) r limit $1;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.position_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.author_id from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.speaker_id from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.position_id, t.role, t.statement_id, t.commentary_id, t.vote_id from position_evidence t where t.position_id = any((select $1::bigint[])::bigint[]) order by t.id;
select 1::bigint, count(*) from relations t where true;
select 1::bigint, count(*) from relations t where true and ((true and coalesce(t.valid_during, '(,)'::daterange) && daterange(lower(partial_date_range($1)), upper(partial_date_range($2)))));
select 1::bigint, count(*) from relations t where true and ((true and t.valid_during is not null and coalesce(t.valid_during, '(,)'::daterange) && daterange(lower(partial_date_range($1)), upper(partial_date_range($2)))));
select 1::bigint, r.* from (select t.slug, t.kind, coalesce(t.label, initcap(t.kind::text)), t.subject_id, t.object_id, t.valid_from, t.valid_until, t.share, t.area, t.term, t.on_behalf_of_id, t.id from relations t where true order by t.id limit 101) r limit $1;
select 1::bigint, t.subject_id, t.object_id from relations t where true and ((true and t.kind = $1::relation_kind) and (true and t.label = $2)) order by t.id limit $3;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.relation_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select 1::bigint, r.* from (select t.id, t.operation, t.part, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where true and t.id > $1 order by t.id limit 101) r limit $2;
select coalesce(max(id), 0) from revisions;
select t.id, t.id, t.operation, t.part, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where t.id = $1;
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from relations t where t.id = any((select $1::bigint[])::bigint[]);
select t.revision_id, t.field, (select case r.part || '.' || t.field when 'actors.id' then 'id' when 'actors.slug' then 'slug' when 'actors.kind' then 'kind' when 'actors.name' then 'name' when 'actor_names.name' then 'names.name' when 'actor_names.kind' then 'names.kind' when 'actor_names.language' then 'names.language' when 'actor_names.script' then 'names.script' when 'actor_names.valid_from' then 'names.validFrom' when 'actor_names.valid_until' then 'names.validUntil' when 'actor_identifiers.scheme' then 'identifiers.scheme' when 'actor_identifiers.value' then 'identifiers.value' when 'actors.summary' then 'summary' when 'actors.organization_kind' then 'organizationKind' when 'actors.born_on' then 'bornOn' when 'actors.died_on' then 'diedOn' when 'actors.founded_on' then 'foundedOn' when 'actors.dissolved_on' then 'dissolvedOn' when 'actors.gender' then 'gender' when 'actor_links.url' then 'links.url' when 'actor_links.kind' then 'links.kind' when 'actor_links.note' then 'links.note' when 'actors.latitude' then 'latitude' when 'actors.longitude' then 'longitude' when 'actors.coordinate_precision' then 'coordinatePrecision' when 'citations.source_id' then 'citations.source' when 'citations.locator' then 'citations.locator' when 'citations.credibility' then 'citations.credibility' when 'citations.quote' then 'citations.quote' when 'citations.prefix' then 'citations.prefix' when 'citations.suffix' then 'citations.suffix' when 'citations.version' then 'citations.version' when 'citations.starts' then 'citations.start' when 'citations.ends' then 'citations.end' when 'actors.name_language' then 'nameLanguage' when 'actors.summary_language' then 'summaryLanguage' when 'translations.field' then 'translations.field' when 'translations.language' then 'translations.language' when 'translations.value' then 'translations.value' when 'translations.translator' then 'translations.translator' when 'translations.kind' then 'translations.kind' when 'origins.dataset' then 'origins.dataset' when 'origins.key' then 'origins.key' when 'meetings.id' then 'id' when 'meetings.slug' then 'slug' when 'meetings.name' then 'name' when 'meetings.summary' then 'summary' when 'meetings.mode' then 'mode' when 'meetings.status' then 'status' when 'meetings.starts_on' then 'startsOn' when 'meetings.ends_on' then 'endsOn' when 'meetings.venue_id' then 'venue' when 'meetings.parent_id' then 'parent' when 'meeting_participants.actor_id' then 'participants.actor' when 'meeting_participants.role' then 'participants.role' when 'meeting_topics.topic_id' then 'agenda' when 'meetings.name_language' then 'nameLanguage' when 'meetings.summary_language' then 'summaryLanguage' when 'statements.id' then 'id' when 'statements.slug' then 'slug' when 'statements.speaker_id' then 'speaker' when 'statements.speaker_role' then 'speakerRole' when 'statements.on_behalf_of_id' then 'onBehalfOf' when 'statement_addressees.actor_id' then 'addressees' when 'statements.meeting_id' then 'meeting' when 'statements.ordinal' then 'ordinal' when 'statements.publication_id' then 'publication' when 'statements.medium' then 'medium' when 'statements.rendering' then 'rendering' when 'statements.event_type' then 'eventType' when 'statements.summary' then 'summary' when 'statements.quote' then 'quote' when 'statements.language' then 'language' when 'statements.said_on' then 'saidOn' when 'statement_topics.topic_id' then 'topics' when 'statement_events.event_id' then 'events.event' when 'statement_events.kind' then 'events.kind' when 'statement_replies.replied_to_id' then 'repliesTo' when 'statement_repeats.repeated_id' then 'repeats' when 'statement_contradictions.contradicted_id' then 'contradicts' when 'statements.summary_language' then 'summaryLanguage' when 'statements.quote_language' then 'quoteLanguage' when 'events.id' then 'id' when 'events.slug' then 'slug' when 'events.name' then 'name' when 'events.summary' then 'summary' when 'events.event_type' then 'eventType' when 'events.mode' then 'mode' when 'event_actors.actor_id' then 'actors' when 'event_targets.actor_id' then 'targets' when 'events.place_id' then 'place' when 'events.occurred_on' then 'occurredOn' when 'events.ended_on' then 'endedOn' when 'events.killed' then 'killed' when 'events.injured' then 'injured' when 'events.amount' then 'amount' when 'events.currency' then 'currency' when 'events.meeting_id' then 'meeting' when 'events.parent_id' then 'parent' when 'events.name_language' then 'nameLanguage' when 'events.summary_language' then 'summaryLanguage' when 'commentaries.id' then 'id' when 'commentaries.slug' then 'slug' when 'commentaries.author_id' then 'author' when 'commentaries.source_id' then 'source' when 'commentaries.ordinal' then 'ordinal' when 'commentaries.question' then 'question' when 'commentaries.summary' then 'summary' when 'commentaries.likelihood' then 'likelihood' when 'commentaries.confidence' then 'confidence' when 'commentary_targets.actor_id' then 'targets' when 'commentary_targets.meeting_id' then 'targets' when 'commentary_targets.statement_id' then 'targets' when 'commentary_targets.topic_id' then 'targets' when 'commentaries.question_language' then 'questionLanguage' when 'commentaries.summary_language' then 'summaryLanguage' when 'topics.id' then 'id' when 'topics.slug' then 'slug' when 'topics.name' then 'name' when 'topic_names.name' then 'names.name' when 'topic_names.kind' then 'names.kind' when 'topic_names.language' then 'names.language' when 'topic_names.script' then 'names.script' when 'topic_identifiers.scheme' then 'identifiers.scheme' when 'topic_identifiers.value' then 'identifiers.value' when 'topics.parent_id' then 'parent' when 'topics.name_language' then 'nameLanguage' when 'sources.id' then 'id' when 'sources.slug' then 'slug' when 'sources.title' then 'title' when 'sources.publisher_id' then 'publisher' when 'source_authors.actor_id' then 'authors' when 'sources.url' then 'url' when 'sources.language' then 'language' when 'sources.published_on' then 'publishedOn' when 'sources.reliability' then 'reliability' when 'source_texts.version' then 'texts.version' when 'source_texts.sha256' then 'texts.content' when 'source_texts.media_type' then 'texts.mediaType' when 'source_texts.language' then 'texts.language' when 'source_texts.taken_from' then 'texts.takenFrom' when 'source_texts.taken_on' then 'texts.takenOn' when 'sources.title_language' then 'titleLanguage' when 'relations.id' then 'id' when 'relations.slug' then 'slug' when 'relations.kind' then 'kind' when 'relations.subject_id' then 'subject' when 'relations.object_id' then 'object' when 'relations.label' then 'label' when 'relations.valid_from' then 'validFrom' when 'relations.valid_until' then 'validUntil' when 'relations.share' then 'share' when 'relations.area' then 'area' when 'relations.term' then 'term' when 'relations.on_behalf_of_id' then 'onBehalfOf' when 'motions.id' then 'id' when 'motions.slug' then 'slug' when 'motions.name' then 'name' when 'motions.summary' then 'summary' when 'motion_proposers.actor_id' then 'proposers' when 'motion_topics.topic_id' then 'topics' when 'motions.meeting_id' then 'meeting' when 'motions.proposed_on' then 'proposedOn' when 'motions.name_language' then 'nameLanguage' when 'motions.summary_language' then 'summaryLanguage' when 'divisions.id' then 'id' when 'divisions.slug' then 'slug' when 'divisions.motion_id' then 'motion' when 'divisions.name' then 'name' when 'divisions.meeting_id' then 'meeting' when 'divisions.held_on' then 'heldOn' when 'divisions.result' then 'result' when 'divisions.name_language' then 'nameLanguage' when 'votes.id' then 'id' when 'votes.slug' then 'slug' when 'votes.division_id' then 'division' when 'votes.actor_id' then 'actor' when 'votes.choice' then 'choice' when 'votes.party_id' then 'party' when 'positions.id' then 'id' when 'positions.slug' then 'slug' when 'positions.holder_id' then 'holder' when 'positions.topic_id' then 'topic' when 'positions.stance' then 'stance' when 'positions.confidence' then 'confidence' when 'positions.held_from' then 'heldFrom' when 'positions.held_until' then 'heldUntil' when 'position_evidence.statement_id' then 'evidenceItems.statement' when 'position_evidence.commentary_id' then 'evidenceItems.commentary' when 'position_evidence.vote_id' then 'evidenceItems.vote' when 'position_evidence.role' then 'evidenceItems.role' when 'positions.statement_id' then 'statement' when 'positions.commentary_id' then 'commentary' when 'positions.vote_id' then 'vote' end from revisions r where r.id = t.revision_id), t.before, t.after, (select rtrim(translate(encode(convert_to(case r.part || '.' || t.field when 'actors.id' then 'Actor' when 'merged_actors.id' then 'Actor' when 'merged_actors.kept_id' then 'Actor' when 'actor_names.actor_id' then 'Actor' when 'actor_identifiers.actor_id' then 'Actor' when 'actor_links.actor_id' then 'Actor' when 'citations.actor_id' then 'Actor' when 'citations.source_id' then 'Source' when 'translations.actor_id' then 'Actor' when 'origins.actor_id' then 'Actor' when 'meetings.id' then 'Meeting' when 'meetings.venue_id' then 'Actor' when 'meetings.parent_id' then 'Meeting' when 'meeting_participants.meeting_id' then 'Meeting' when 'meeting_participants.actor_id' then 'Actor' when 'meeting_topics.meeting_id' then 'Meeting' when 'meeting_topics.topic_id' then 'Topic' when 'citations.meeting_id' then 'Meeting' when 'translations.meeting_id' then 'Meeting' when 'origins.meeting_id' then 'Meeting' when 'statements.id' then 'Statement' when 'statements.speaker_id' then 'Actor' when 'statements.on_behalf_of_id' then 'Actor' when 'statement_addressees.statement_id' then 'Statement' when 'statement_addressees.actor_id' then 'Actor' when 'statements.meeting_id' then 'Meeting' when 'statements.publication_id' then 'Actor' when 'statement_topics.statement_id' then 'Statement' when 'statement_topics.topic_id' then 'Topic' when 'statement_events.statement_id' then 'Statement' when 'statement_events.event_id' then 'Event' when 'statement_replies.statement_id' then 'Statement' when 'statement_replies.replied_to_id' then 'Statement' when 'statement_repeats.statement_id' then 'Statement' when 'statement_repeats.repeated_id' then 'Statement' when 'statement_contradictions.statement_id' then 'Statement' when 'statement_contradictions.contradicted_id' then 'Statement' when 'citations.statement_id' then 'Statement' when 'translations.statement_id' then 'Statement' when 'origins.statement_id' then 'Statement' when 'events.id' then 'Event' when 'event_actors.event_id' then 'Event' when 'event_actors.actor_id' then 'Actor' when 'event_targets.event_id' then 'Event' when 'event_targets.actor_id' then 'Actor' when 'events.place_id' then 'Actor' when 'events.meeting_id' then 'Meeting' when 'events.parent_id' then 'Event' when 'citations.event_id' then 'Event' when 'translations.event_id' then 'Event' when 'origins.event_id' then 'Event' when 'commentaries.id' then 'Commentary' when 'commentaries.author_id' then 'Actor' when 'commentaries.source_id' then 'Source' when 'commentary_targets.commentary_id' then 'Commentary' when 'commentary_targets.actor_id' then 'Actor' when 'commentary_targets.meeting_id' then 'Meeting' when 'commentary_targets.statement_id' then 'Statement' when 'commentary_targets.topic_id' then 'Topic' when 'citations.commentary_id' then 'Commentary' when 'translations.commentary_id' then 'Commentary' when 'origins.commentary_id' then 'Commentary' when 'topics.id' then 'Topic' when 'topic_names.topic_id' then 'Topic' when 'topic_identifiers.topic_id' then 'Topic' when 'topics.parent_id' then 'Topic' when 'citations.topic_id' then 'Topic' when 'origins.topic_id' then 'Topic' when 'sources.id' then 'Source' when 'sources.publisher_id' then 'Actor' when 'source_authors.source_id' then 'Source' when 'source_authors.actor_id' then 'Actor' when 'source_texts.source_id' then 'Source' when 'translations.source_id' then 'Source' when 'origins.source_id' then 'Source' when 'relations.id' then 'Relation' when 'relations.subject_id' then 'Actor' when 'relations.object_id' then 'Actor' when 'relations.on_behalf_of_id' then 'Actor' when 'citations.relation_id' then 'Relation' when 'origins.relation_id' then 'Relation' when 'motions.id' then 'Motion' when 'motion_proposers.motion_id' then 'Motion' when 'motion_proposers.actor_id' then 'Actor' when 'motion_topics.motion_id' then 'Motion' when 'motion_topics.topic_id' then 'Topic' when 'motions.meeting_id' then 'Meeting' when 'citations.motion_id' then 'Motion' when 'translations.motion_id' then 'Motion' when 'origins.motion_id' then 'Motion' when 'divisions.id' then 'Division' when 'divisions.motion_id' then 'Motion' when 'divisions.meeting_id' then 'Meeting' when 'citations.division_id' then 'Division' when 'translations.division_id' then 'Division' when 'origins.division_id' then 'Division' when 'votes.id' then 'Vote' when 'votes.division_id' then 'Division' when 'votes.actor_id' then 'Actor' when 'votes.party_id' then 'Actor' when 'citations.vote_id' then 'Vote' when 'origins.vote_id' then 'Vote' when 'positions.id' then 'Position' when 'positions.holder_id' then 'Actor' when 'positions.topic_id' then 'Topic' when 'position_evidence.position_id' then 'Position' when 'position_evidence.statement_id' then 'Statement' when 'position_evidence.commentary_id' then 'Commentary' when 'position_evidence.vote_id' then 'Vote' when 'positions.statement_id' then 'Statement' when 'positions.commentary_id' then 'Commentary' when 'positions.vote_id' then 'Vote' when 'citations.position_id' then 'Position' when 'origins.position_id' then 'Position' end || ':' || t.before, 'UTF8'), 'base64'), '+/', '-_'), '=') from revisions r where r.id = t.revision_id), (select rtrim(translate(encode(convert_to(case r.part || '.' || t.field when 'actors.id' then 'Actor' when 'merged_actors.id' then 'Actor' when 'merged_actors.kept_id' then 'Actor' when 'actor_names.actor_id' then 'Actor' when 'actor_identifiers.actor_id' then 'Actor' when 'actor_links.actor_id' then 'Actor' when 'citations.actor_id' then 'Actor' when 'citations.source_id' then 'Source' when 'translations.actor_id' then 'Actor' when 'origins.actor_id' then 'Actor' when 'meetings.id' then 'Meeting' when 'meetings.venue_id' then 'Actor' when 'meetings.parent_id' then 'Meeting' when 'meeting_participants.meeting_id' then 'Meeting' when 'meeting_participants.actor_id' then 'Actor' when 'meeting_topics.meeting_id' then 'Meeting' when 'meeting_topics.topic_id' then 'Topic' when 'citations.meeting_id' then 'Meeting' when 'translations.meeting_id' then 'Meeting' when 'origins.meeting_id' then 'Meeting' when 'statements.id' then 'Statement' when 'statements.speaker_id' then 'Actor' when 'statements.on_behalf_of_id' then 'Actor' when 'statement_addressees.statement_id' then 'Statement' when 'statement_addressees.actor_id' then 'Actor' when 'statements.meeting_id' then 'Meeting' when 'statements.publication_id' then 'Actor' when 'statement_topics.statement_id' then 'Statement' when 'statement_topics.topic_id' then 'Topic' when 'statement_events.statement_id' then 'Statement' when 'statement_events.event_id' then 'Event' when 'statement_replies.statement_id' then 'Statement' when 'statement_replies.replied_to_id' then 'Statement' when 'statement_repeats.statement_id' then 'Statement' when 'statement_repeats.repeated_id' then 'Statement' when 'statement_contradictions.statement_id' then 'Statement' when 'statement_contradictions.contradicted_id' then 'Statement' when 'citations.statement_id' then 'Statement' when 'translations.statement_id' then 'Statement' when 'origins.statement_id' then 'Statement' when 'events.id' then 'Event' when 'event_actors.event_id' then 'Event' when 'event_actors.actor_id' then 'Actor' when 'event_targets.event_id' then 'Event' when 'event_targets.actor_id' then 'Actor' when 'events.place_id' then 'Actor' when 'events.meeting_id' then 'Meeting' when 'events.parent_id' then 'Event' when 'citations.event_id' then 'Event' when 'translations.event_id' then 'Event' when 'origins.event_id' then 'Event' when 'commentaries.id' then 'Commentary' when 'commentaries.author_id' then 'Actor' when 'commentaries.source_id' then 'Source' when 'commentary_targets.commentary_id' then 'Commentary' when 'commentary_targets.actor_id' then 'Actor' when 'commentary_targets.meeting_id' then 'Meeting' when 'commentary_targets.statement_id' then 'Statement' when 'commentary_targets.topic_id' then 'Topic' when 'citations.commentary_id' then 'Commentary' when 'translations.commentary_id' then 'Commentary' when 'origins.commentary_id' then 'Commentary' when 'topics.id' then 'Topic' when 'topic_names.topic_id' then 'Topic' when 'topic_identifiers.topic_id' then 'Topic' when 'topics.parent_id' then 'Topic' when 'citations.topic_id' then 'Topic' when 'origins.topic_id' then 'Topic' when 'sources.id' then 'Source' when 'sources.publisher_id' then 'Actor' when 'source_authors.source_id' then 'Source' when 'source_authors.actor_id' then 'Actor' when 'source_texts.source_id' then 'Source' when 'translations.source_id' then 'Source' when 'origins.source_id' then 'Source' when 'relations.id' then 'Relation' when 'relations.subject_id' then 'Actor' when 'relations.object_id' then 'Actor' when 'relations.on_behalf_of_id' then 'Actor' when 'citations.relation_id' then 'Relation' when 'origins.relation_id' then 'Relation' when 'motions.id' then 'Motion' when 'motion_proposers.motion_id' then 'Motion' when 'motion_proposers.actor_id' then 'Actor' when 'motion_topics.motion_id' then 'Motion' when 'motion_topics.topic_id' then 'Topic' when 'motions.meeting_id' then 'Meeting' when 'citations.motion_id' then 'Motion' when 'translations.motion_id' then 'Motion' when 'origins.motion_id' then 'Motion' when 'divisions.id' then 'Division' when 'divisions.motion_id' then 'Motion' when 'divisions.meeting_id' then 'Meeting' when 'citations.division_id' then 'Division' when 'translations.division_id' then 'Division' when 'origins.division_id' then 'Division' when 'votes.id' then 'Vote' when 'votes.division_id' then 'Division' when 'votes.actor_id' then 'Actor' when 'votes.party_id' then 'Actor' when 'citations.vote_id' then 'Vote' when 'origins.vote_id' then 'Vote' when 'positions.id' then 'Position' when 'positions.holder_id' then 'Actor' when 'positions.topic_id' then 'Topic' when 'position_evidence.position_id' then 'Position' when 'position_evidence.statement_id' then 'Statement' when 'position_evidence.commentary_id' then 'Commentary' when 'position_evidence.vote_id' then 'Vote' when 'positions.statement_id' then 'Statement' when 'positions.commentary_id' then 'Commentary' when 'positions.vote_id' then 'Vote' when 'citations.position_id' then 'Position' when 'origins.position_id' then 'Position' end || ':' || t.after, 'UTF8'), 'base64'), '+/', '-_'), '=') from revisions r where r.id = t.revision_id) from revision_changes t where t.revision_id = any((select $1::bigint[])::bigint[]) order by t.field;
select 1::bigint, t.requester, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where true and ((true and t.operation = $1::revision_operation) and (true and t.part = $2)) order by t.id limit $3;
select p.place, (select count(*) from revisions t where t.statement_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.id, t.operation, t.requester, t.part, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.source_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from revisions t where t.statement_id = p.id order by t.id limit $2) r;
select t.id, t.id from statements t where t.slug = $1;
select t.id, t.id, t.slug from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.revision_id, t.field, t.before, t.after from revision_changes t where t.revision_id = any((select $1::bigint[])::bigint[]) order by t.field;
select 1::bigint, t.slug from actors t where true and (exists (select from positions t1 where t1.holder_id = t.id and (t1.topic_id = any(array(select t3.id from topics t3 where ((true and t3.slug = $1)))) and (true and t1.stance = any($2::text[]::stance[])) and t1.statement_id is not null)) and exists (select from votes t4 where t4.actor_id = t.id and ((true and t4.choice = $3::vote_choice) and t4.division_id = any(array(select t6.id from divisions t6 where ((t6.motion_id in (select t7.id from motions t7 where ((t7.id in (select l9.motion_id from motion_topics l9 join topics t8 on t8.id = l9.topic_id where ((true and t8.slug = $4)))) is true))) is true)))))) order by lower(t.name), t.id limit $5;
select 1::bigint, t.slug, t.id from actors t where true and (exists (select from positions t1 where t1.holder_id = t.id and (t1.topic_id = any(array(select t3.id from topics t3 where ((true and t3.slug = $1)))) and (true and t1.stance = any($2::text[]::stance[])) and t1.statement_id is not null)) and exists (select from votes t4 where t4.actor_id = t.id and ((true and t4.choice = $3::vote_choice) and t4.division_id = any(array(select t6.id from divisions t6 where ((t6.motion_id in (select t7.id from motions t7 where ((t7.id in (select l9.motion_id from motion_topics l9 join topics t8 on t8.id = l9.topic_id where ((true and t8.slug = $4)))) is true))) is true)))))) order by lower(t.name), t.id limit $5;
select t.id from topics t where t.slug = $1;
select t.id, t.id from actors t where t.slug = $1;
with recursive below as (
             select id from topics where id = $2 union select topics.id from topics join below on topics.parent_id = below.id
         )
         select holder_id as parent, topic_id, id, stance, previous, date from (
             select d.*, lag(stance) over (partition by holder_id, topic_id order by day nulls last, id) as previous
             from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.holder_id = any($1)
                   and ($2 is null or positions.topic_id in (select id from below))) d
         ) d where previous is distinct from stance
         order by holder_id, topic_id, day nulls last, id;
select array[search_query($1::text[])::text, english_query($1::text[])::text];
select array[search_query($1::text[])::text, english_query($1::text[])::text];
select array[search_query($1::text[])::text, english_query($1::text[])::text];
select t.id, t.id from sources t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
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
with k0 as (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actors where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actor_names where actor_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where actor_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m) select counts, h.* from (select array[]::bigint[]) c (counts) left join (
             select * from (select * from k0) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
with k0 as (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actors where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from actor_names where actor_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select actor_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where actor_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k1 as (select 1 as kind, id, ((1::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from meetings where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select meeting_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where meeting_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from meetings o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k2 as (select 2 as kind, id, ((2::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from statements where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select statement_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where statement_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from statements o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id union all select b.id, max(b.score) * 1e-6::real from (
             select l.statement_id as id, m.score from (
                 select id, max(score) as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topics where id is not null and search @@ ($1::text[])[1]::tsquery union all select topic_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from topic_names where topic_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id order by score desc, id limit 5
             ) m cross join lateral (
                 select statement_id from statement_topics l where l.topic_id = m.id order by l.statement_id desc limit 20
             ) l
         ) b where not exists (select from statements f where f.id = b.id and f.search @@ ($1::text[])[1]::tsquery) and not exists (select from translations f where f.statement_id = b.id and f.search @@ ($1::text[])[1]::tsquery) group by b.id) m), k3 as (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from events where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select event_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where event_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from events o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m), k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from commentaries where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select commentary_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where commentary_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from commentaries o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topics where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select topic_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topic_names where topic_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) m group by id) m), k6 as (select 6 as kind, id, ((6::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2) as score from sources where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(title) or plain($2) % plain(title)) union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from source_passages where source_id is not null and search @@ ($1::text[])[1]::tsquery union all select source_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where source_id is not null and search @@ ($1::text[])[1]::tsquery) m group by id) m), k7 as (select 7 as kind, id, ((7::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from motions where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select id, max(score) from (select motion_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where motion_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from motions o where o.id = m.id and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) group by id) m) select counts, h.* from (select array[(select count(*) from k0), (select count(*) from k1), (select count(*) from k2), (select count(*) from k3), (select count(*) from k4), (select count(*) from k5), (select count(*) from k6), (select count(*) from k7)]::bigint[]) c (counts) left join (
             select * from (select * from k0 union all select * from k1 union all select * from k2 union all select * from k3 union all select * from k4 union all select * from k5 union all select * from k6 union all select * from k7) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
with k4 as (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from commentaries where id is not null and search @@ ($1::text[])[1]::tsquery union all select id, max(score) from (select commentary_id as id, search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery) as score from translations where commentary_id is not null and search @@ ($1::text[])[1]::tsquery) m where not exists (select from commentaries o where o.id = m.id and search @@ ($1::text[])[1]::tsquery) group by id) m), k5 as (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topics where id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name)) union all select topic_id as id, greatest(search_rank(search, ($1::text[])[1]::tsquery, ($1::text[])[2]::tsquery), (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2) as score from topic_names where topic_id is not null and (search @@ ($1::text[])[1]::tsquery or plain($2) <% plain(name) or plain($2) % plain(name))) m group by id) m) select counts, h.* from (select array[]::bigint[]) c (counts) left join (
             select * from (select * from k4 union all select * from k5) k  order by score desc, place limit $3
         ) h on true order by score desc, place;
select 1::bigint, count(*) from sources t where true and ((true and t.language = $1) and (true and t.reliability is null));
select 1::bigint, t.id, t.slug, t.title, t.publisher_id, t.url, t.language, t.published_on, t.reliability from sources t where true and ((true and t.language = $1) and (true and t.reliability is null)) order by coalesce(lower(t.published_during), 'infinity'::date), t.id limit $2;
select p.place, (select count(*) from citations t where t.source_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, (select count(*) from source_authors l join actors t on t.id = l.actor_id where l.source_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator, t.actor_id, t.meeting_id, t.statement_id, t.event_id, t.commentary_id, t.topic_id, t.relation_id, t.motion_id, t.division_id, t.vote_id, t.position_id from citations t where t.source_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.slug from commentaries t where t.source_id = p.id order by t.ordinal, t.id limit $2) r;
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id from actors t where t.slug = $1;
select t.id from actors t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
with latest as (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1)) d
         order by topic_id, holder_id, day desc nulls last, id desc), holders as (
             select holder_id, count(*) as stances from latest where $2 is null or holder_id = any($2)
             group by 1 order by 2 desc, 1 limit 100
         )
         select latest.topic_id, holder_id, id, stance, date from latest join holders using (holder_id)
         order by stances desc, holder_id, topic_id;
with latest as (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1)) d
         order by topic_id, holder_id, day desc nulls last, id desc), holders as (
             select holder_id, count(*) as stances from latest where $2 is null or holder_id = any($2)
             group by 1 order by 2 desc, 1 limit 100
         )
         select latest.topic_id, holder_id, id, stance, date from latest join holders using (holder_id)
         order by stances desc, holder_id, topic_id;
select t.id from topics t where t.slug = $1;
select t.id, t.id from actors t where t.slug = $1;
select t.id, t.id from topics t where t.slug = $1;
select t.id, t.id, t.author_id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.holder_id, t.stance from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.holder_id, t.stance from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from positions t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.statement_id, t.commentary_id, t.vote_id from positions t where t.id = any((select $1::bigint[])::bigint[]);
select topic_id as parent, holder_id, id, stance, date from (
             select l.*, row_number() over (partition by topic_id order by stance, holder_id) as number from (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1)) d
         order by topic_id, holder_id, day desc nulls last, id desc) l
         ) l where number <= $2 order by topic_id, number;
with recursive below as (
             select id from topics where id = $2 union select topics.id from topics join below on topics.parent_id = below.id
         )
         select holder_id as parent, topic_id, id, stance, previous, date from (
             select d.*, lag(stance) over (partition by holder_id, topic_id order by day nulls last, id) as previous
             from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.holder_id = any($1)
                   and ($2 is null or positions.topic_id in (select id from below))) d
         ) d where previous is distinct from stance
         order by holder_id, topic_id, day nulls last, id;
with recursive evidence (subject, statement_id, commentary_id, vote_id, role) as materialized (
    select e.position_id, e.statement_id, e.commentary_id, e.vote_id, e.role
    from position_evidence e join positions on positions.id = e.position_id where  positions.id = any($1)),
         repeated (statement_id, original_id) as (
             select distinct statement_id, statement_id from evidence where role = 'SUPPORTS' and statement_id is not null
             union
             select repeated.statement_id, r.repeated_id from repeated join statement_repeats r on r.statement_id = repeated.original_id
         ),
         originals (statement_id, original_id) as (
             select statement_id, unnest(coalesce(array_agg(original_id) filter (where not repeats), array[min(original_id)]))
             from (
                 -- Not an `exists`, for which Postgres would read the whole table.
                 select repeated.*, (
                     select true from statement_repeats r where r.statement_id = repeated.original_id limit 1
                 ) is not null as repeats
                 from repeated
             ) r group by statement_id
         ),
         cited (subject, source_id, credibility) as (
             select subject, source_id, credibility from evidence e
             join originals o on o.statement_id = e.statement_id
             join citations c on c.statement_id = o.original_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.commentary_id = e.commentary_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.vote_id = e.vote_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join votes v on v.id = e.vote_id
             join citations c on c.division_id = v.division_id where role = 'SUPPORTS'
         ),
         graded as (
             select subject, count(distinct coalesce(s.publisher_id, -s.id)) as independent_sources,
                    min(admiralty_grade(s.reliability, cited.credibility) collate "C") as best
             from cited join sources s on s.id = cited.source_id group by subject
         ),
         contradicted (subject) as (
             select subject from evidence where role = 'CONTRADICTS'
             union
             select subject from evidence e join statement_contradictions c using (statement_id) where role = 'SUPPORTS'
             union
             select subject from evidence e
             join statement_contradictions c on c.contradicted_id = e.statement_id where role = 'SUPPORTS'
         )
         select subject, coalesce(independent_sources, 0) as independent_sources, best,
                subject in (select subject from contradicted) as disputed
         from (select distinct subject from evidence) e left join graded using (subject);
with scale as (select stance, ordinality as step from unnest(enum_range(null::stance)) with ordinality s (stance)),
              latest as materialized (
                  select l.*, step, row_number() over (partition by topic_id, step order by id) as nth
                  from (select distinct on (topic_id, holder_id) * from (
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown where positions.topic_id = any($1) and positions.id in (select subject from (with recursive evidence (subject, statement_id, commentary_id, vote_id, role) as materialized (
    select e.position_id, e.statement_id, e.commentary_id, e.vote_id, e.role
    from position_evidence e join positions on positions.id = e.position_id where positions.topic_id = any($1)),
         repeated (statement_id, original_id) as (
             select distinct statement_id, statement_id from evidence where role = 'SUPPORTS' and statement_id is not null
             union
             select repeated.statement_id, r.repeated_id from repeated join statement_repeats r on r.statement_id = repeated.original_id
         ),
         originals (statement_id, original_id) as (
             select statement_id, unnest(coalesce(array_agg(original_id) filter (where not repeats), array[min(original_id)]))
             from (
                 -- Not an `exists`, for which Postgres would read the whole table.
                 select repeated.*, (
                     select true from statement_repeats r where r.statement_id = repeated.original_id limit 1
                 ) is not null as repeats
                 from repeated
             ) r group by statement_id
         ),
         cited (subject, source_id, credibility) as (
             select subject, source_id, credibility from evidence e
             join originals o on o.statement_id = e.statement_id
             join citations c on c.statement_id = o.original_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.commentary_id = e.commentary_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.vote_id = e.vote_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join votes v on v.id = e.vote_id
             join citations c on c.division_id = v.division_id where role = 'SUPPORTS'
         ),
         graded as (
             select subject, count(distinct coalesce(s.publisher_id, -s.id)) as independent_sources,
                    min(admiralty_grade(s.reliability, cited.credibility) collate "C") as best
             from cited join sources s on s.id = cited.source_id group by subject
         ),
         contradicted (subject) as (
             select subject from evidence where role = 'CONTRADICTS'
             union
             select subject from evidence e join statement_contradictions c using (statement_id) where role = 'SUPPORTS'
             union
             select subject from evidence e
             join statement_contradictions c on c.contradicted_id = e.statement_id where role = 'SUPPORTS'
         )
         select subject, coalesce(independent_sources, 0) as independent_sources, best,
                subject in (select subject from contradicted) as disputed
         from (select distinct subject from evidence) e left join graded using (subject)) k
               where independent_sources >= $3 and ($4::boolean is null or disputed = $4))) d
         order by topic_id, holder_id, day desc nulls last, id desc) l join scale using (stance)
              ),
              first as materialized (select * from latest where nth <= $2)
         select parent, one, other, distance from (
             select one.topic_id as parent, one.id as one, other.id as other, other.step - one.step as distance,
                    row_number() over (partition by one.topic_id order by other.step - one.step desc, one.id, other.id) as number
             from first one join first other on other.topic_id = one.topic_id and other.step > one.step
         ) p where number <= $2 order by parent, number;
select p.place, (select count(*) from statement_addressees l join actors t on t.id = l.actor_id where l.statement_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.statement_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.author_id, t.id from commentary_targets l join commentaries t on t.id = l.commentary_id where l.statement_id = p.id order by t.ordinal, t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.parent_id, t.id from statement_topics l join topics t on t.id = l.topic_id where l.statement_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.stance, t.holder_id, t.topic_id, t.id from position_evidence l join positions t on t.id = l.position_id where l.statement_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug, t.summary, t.quote, t.rendering, t.medium, t.event_type, t.said_on, t.ordinal, t.language, t.speaker_id, t.speaker_role, t.on_behalf_of_id, t.meeting_id, t.publication_id from statements t where t.slug = $1;
select 1::bigint, count(*) from statements t where true and ((t.search @@ search_query($1::text[]) or t.id = any(array(select t1.statement_id from translations t1 where t1.search @@ search_query($1::text[])))));
select 1::bigint, count(*) from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1))));
select 1::bigint, count(*) from statements t where true and (exists (select from meetings t1 where t1.id = t.meeting_id and (t1.parent_id = any(array(select t2.id from meetings t2 where ((true and t2.mode = $1::meeting_mode)))))));
select 1::bigint, t.slug from statements t where true and ((t.search @@ search_query($1::text[]) or t.id = any(array(select t1.statement_id from translations t1 where t1.search @@ search_query($1::text[]))))) order by greatest(search_rank(t.search, search_query($1::text[]), english_query($1::text[])), (select max(search_rank(n.search, search_query($1::text[]), english_query($1::text[]))) from translations n where n.statement_id = t.id)) desc, t.id desc limit $2;
select 1::bigint, t.slug from statements t where true and (exists (select from statement_topics l2 join topics t1 on t1.id = l2.topic_id where l2.statement_id = t.id and (t1.id in (with recursive t4 as (select t3.id from topics t3 where t3.slug = $1 union select t3.id from topics t3 join t4 on t3.parent_id = t4.id) select t4.id from t4)))) order by t.id limit $2;
select 1::bigint, t.slug, t.event_type, t.id from statements t where true and (exists (select from actors t1 where t1.id = t.speaker_id and ((true and t1.slug = $1)))) order by t.id limit $2;
select 1::bigint, t.slug, t.publication_id from statements t where true and (exists (select from actors t1 where t1.id = t.publication_id and ((true and t1.kind = $1::actor_kind)))) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $2;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from statement_addressees l join actors t on t.id = l.actor_id where l.statement_id = p.id order by lower(t.name), t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select kind, id, name from (
             select distinct on (kind, id) * from ((select 0 as kind, id as id, name as name, 0 as inside, 0 as alias from actors
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 0, id, name, 1, 0 from actors
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2) union all (select 0 as kind, actor_id as id, name as name, 0 as inside, 1 as alias from actor_names
              where plain(name) like literally($1) || '%' order by length(name), name, actor_id limit $2)
             union all
             (select 0, actor_id, name, 1, 1 from actor_names
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, actor_id limit $2) union all (select 1 as kind, id as id, name as name, 0 as inside, 0 as alias from meetings
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 1, id, name, 1, 0 from meetings
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2) union all (select 3 as kind, id as id, name as name, 0 as inside, 0 as alias from events
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 3, id, name, 1, 0 from events
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2) union all (select 5 as kind, id as id, name as name, 0 as inside, 0 as alias from topics
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 5, id, name, 1, 0 from topics
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2) union all (select 5 as kind, topic_id as id, name as name, 0 as inside, 1 as alias from topic_names
              where plain(name) like literally($1) || '%' order by length(name), name, topic_id limit $2)
             union all
             (select 5, topic_id, name, 1, 1 from topic_names
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, topic_id limit $2) union all (select 6 as kind, id as id, title as name, 0 as inside, 0 as alias from sources
              where plain(title) like literally($1) || '%' order by length(title), title, id limit $2)
             union all
             (select 6, id, title, 1, 0 from sources
              where plain(title) like '% ' || literally($1) || '%' order by length(title), title, id limit $2) union all (select 7 as kind, id as id, name as name, 0 as inside, 0 as alias from motions
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 7, id, name, 1, 0 from motions
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2)) n order by kind, id, inside, alias, length(name), name
         ) n order by inside, plain(name) <> plain($1), alias, length(name), name, kind, id limit $2;
select kind, id, name from (
             select distinct on (kind, id) * from ((select 0 as kind, id as id, name as name, 0 as inside, 0 as alias from actors
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 0, id, name, 1, 0 from actors
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, id limit $2) union all (select 0 as kind, actor_id as id, name as name, 0 as inside, 1 as alias from actor_names
              where plain(name) like literally($1) || '%' order by length(name), name, actor_id limit $2)
             union all
             (select 0, actor_id, name, 1, 1 from actor_names
              where plain(name) like '% ' || literally($1) || '%' order by length(name), name, actor_id limit $2)) n order by kind, id, inside, alias, length(name), name
         ) n order by inside, plain(name) <> plain($1), alias, length(name), name, kind, id limit $2;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id from actors t where t.slug = $1;
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select type, period, coalesce(sum(n) filter (where certain), 0)::bigint as certain,
                coalesce(sum(n) filter (where not certain), 0)::bigint as possible
         from (select 0 as type, left(coalesce(t.starts_on, t.ends_on), 4) as k, count(*) as n from meetings t where true group by 2 union all select 1 as type, left(t.said_on, 4) as k, count(*) as n from statements t where true group by 2 union all select 2 as type, left(coalesce(t.occurred_on, t.ended_on), 4) as k, count(*) as n from events t where true group by 2 union all select 3 as type, left(sources.published_on, 4) as k, count(*) as n from commentaries t join sources on sources.id = t.source_id where true group by 2 union all select 4 as type, left(t.proposed_on, 4) as k, count(*) as n from motions t where true group by 2 union all select 5 as type, left(t.held_on, 4) as k, count(*) as n from divisions t where true group by 2) g cross join lateral (select g.k, true) s (period, certain)
         group by 1, 2 order by period nulls last, type limit $1;
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select type, period, coalesce(sum(n) filter (where certain), 0)::bigint as certain,
                coalesce(sum(n) filter (where not certain), 0)::bigint as possible
         from (select 0 as type, left(coalesce(t.starts_on, t.ends_on), 7) as k, count(*) as n from meetings t where true and t.id in (select meeting_id from meeting_participants where actor_id = $2 union select id from meetings where venue_id = $2) group by 2 union all select 1 as type, left(t.said_on, 7) as k, count(*) as n from statements t where true and t.id in (select id from statements where speaker_id = $2 union select id from statements where on_behalf_of_id = $2 union select statement_id from statement_addressees where actor_id = $2) group by 2 union all select 2 as type, left(coalesce(t.occurred_on, t.ended_on), 7) as k, count(*) as n from events t where true and t.id in (select event_id from event_actors where actor_id = $2 union select event_id from event_targets where actor_id = $2 union select id from events where place_id = $2) group by 2 union all select 3 as type, left(sources.published_on, 7) as k, count(*) as n from commentaries t join sources on sources.id = t.source_id where true and t.id in (select id from commentaries where author_id = $2 union select commentary_id from commentary_targets where actor_id = $2) group by 2 union all select 4 as type, left(t.proposed_on, 7) as k, count(*) as n from motions t where true and t.id in (select motion_id from motion_proposers where actor_id = $2) group by 2 union all select 5 as type, left(t.held_on, 7) as k, count(*) as n from divisions t where true and t.id in (select division_id from votes where actor_id = $2) group by 2) g cross join lateral (select g.k, true where coalesce(octet_length(g.k) = 7, true) union all select g.k || '-' || lpad(u::text, 2, '0'), false from generate_series(1, 12) u where not coalesce(octet_length(g.k) = 7, true)) s (period, certain)
         group by 1, 2 order by period nulls last, type limit $1;
select t.id from actors t where t.slug = $1;
select t.id from topics t where t.slug = $1;
select t.id, t.id, t.name from meetings t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select (select count(*) from meetings t where true and t.id in (select meeting_id from meeting_participants where actor_id = $2 union select id from meetings where venue_id = $2) and t.id in (select meeting_id from meeting_topics where topic_id in (select id from below))) + (select count(*) from statements t where true and t.id in (select id from statements where speaker_id = $2 union select id from statements where on_behalf_of_id = $2 union select statement_id from statement_addressees where actor_id = $2) and t.id in (select statement_id from statement_topics where topic_id in (select id from below))) + (select count(*) from events t where true and t.id in (select event_id from event_actors where actor_id = $2 union select event_id from event_targets where actor_id = $2 union select id from events where place_id = $2) and t.id in (select null::bigint where false)) + (select count(*) from commentaries t join sources on sources.id = t.source_id where true and t.id in (select id from commentaries where author_id = $2 union select commentary_id from commentary_targets where actor_id = $2) and t.id in (select commentary_id from commentary_targets where topic_id in (select id from below))) + (select count(*) from motions t where true and t.id in (select motion_id from motion_proposers where actor_id = $2) and t.id in (select motion_id from motion_topics where topic_id in (select id from below))) + (select count(*) from divisions t where true and t.id in (select division_id from votes where actor_id = $2) and t.id in (select division_id from division_topics where topic_id in (select id from below)));
with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
) select type, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ((select 0 as type, t.id, 0 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, coalesce(t.starts_on, t.ends_on) as date, t.held_during as during
                   from meetings t where true and t.id in (select meeting_id from meeting_participants where actor_id = $2 union select id from meetings where venue_id = $2) and t.id in (select meeting_id from meeting_topics where topic_id in (select id from below)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1) union all (select 1 as type, t.id, 72057594037927936 + t.id as place, coalesce(lower(t.said_during), 'infinity'::date) as day, t.said_on as date, t.said_during as during
                   from statements t where true and t.id in (select id from statements where speaker_id = $2 union select id from statements where on_behalf_of_id = $2 union select statement_id from statement_addressees where actor_id = $2) and t.id in (select statement_id from statement_topics where topic_id in (select id from below)) order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $1) union all (select 2 as type, t.id, 144115188075855872 + t.id as place, coalesce(lower(t.occurred_during), 'infinity'::date) as day, coalesce(t.occurred_on, t.ended_on) as date, t.occurred_during as during
                   from events t where true and t.id in (select event_id from event_actors where actor_id = $2 union select event_id from event_targets where actor_id = $2 union select id from events where place_id = $2) and t.id in (select null::bigint where false) order by coalesce(lower(t.occurred_during), 'infinity'::date), t.id limit $1) union all (select 3 as type, t.id, 216172782113783808 + t.id as place, coalesce(lower(sources.published_during), 'infinity'::date) as day, sources.published_on as date, sources.published_during as during
                   from commentaries t join sources on sources.id = t.source_id where true and t.id in (select id from commentaries where author_id = $2 union select commentary_id from commentary_targets where actor_id = $2) and t.id in (select commentary_id from commentary_targets where topic_id in (select id from below)) order by coalesce(lower(sources.published_during), 'infinity'::date), t.id limit $1) union all (select 4 as type, t.id, 288230376151711744 + t.id as place, coalesce(lower(t.proposed_during), 'infinity'::date) as day, t.proposed_on as date, t.proposed_during as during
                   from motions t where true and t.id in (select motion_id from motion_proposers where actor_id = $2) and t.id in (select motion_id from motion_topics where topic_id in (select id from below)) order by coalesce(lower(t.proposed_during), 'infinity'::date), t.id limit $1) union all (select 5 as type, t.id, 360287970189639680 + t.id as place, coalesce(lower(t.held_during), 'infinity'::date) as day, t.held_on as date, t.held_during as during
                   from divisions t where true and t.id in (select division_id from votes where actor_id = $2) and t.id in (select division_id from division_topics where topic_id in (select id from below)) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $1)) e order by day, place limit $1;
select 1::bigint, t.name from topics t where true and (exists (select from topics t1 where t1.id = t.parent_id and ((true and t1.slug = $1)))) order by lower(t.name), t.id limit $2;
select p.place, (select count(*) from meeting_topics l join meetings t on t.id = l.meeting_id where l.topic_id = p.id) from unnest((select $1::bigint[])) with ordinality p (id, place);
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.locator from citations t where t.topic_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from topics t where t.parent_id = p.id order by lower(t.name), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.ordinal, t.id from commentary_targets l join commentaries t on t.id = l.commentary_id where l.topic_id = p.id order by t.ordinal, t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.slug, t.id from statement_topics l join statements t on t.id = l.statement_id where l.topic_id = p.id order by coalesce(lower(t.said_during), 'infinity'::date), t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.stance, t.holder_id from positions t where t.topic_id = p.id order by t.id limit $2) r;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.stance, t.holder_id from positions t where t.topic_id = p.id order by t.id limit $2) r;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name, t.parent_id from topics t where t.slug = $1;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.name, t.id from meeting_participants l join actors t on t.id = l.actor_id where l.meeting_id = p.id order by lower(t.name), t.id limit $2) r;
select t.id, t.id from meetings t where t.slug = $1;
select 1::bigint, count(*) from votes t where true and (exists (select from divisions t1 where t1.id = t.division_id and (t1.motion_id = any(array(select t2.id from motions t2 where ((true and t2.slug = $1)))))));
select 1::bigint, t.name, t.result from divisions t where true and ((true and t.held_during && daterange(lower(partial_date_range($1)), upper(partial_date_range($2)))) and exists (select from votes t1 where t1.division_id = t.id and (t1.actor_id = any(array(select t3.id from actors t3 where ((true and t3.slug = $3)))) and (true and t1.choice = $4::vote_choice)))) order by coalesce(lower(t.held_during), 'infinity'::date), t.id limit $5;
select 1::bigint, t.value, t.count from (select r.choice as value, count(*)::integer as count from (select t.* from votes t where true and (exists (select from divisions t1 where t1.id = t.division_id and (t1.motion_id = any(array(select t2.id from motions t2 where ((true and t2.slug = $1)))))))) r group by 1 order by 2 desc, 1 limit $2) t;
select 1::bigint, t.value, t.count from (select r.party_id as value, count(*)::integer as count from (select t.* from votes t where true and (exists (select from divisions t1 where t1.id = t.division_id and (t1.motion_id = any(array(select t2.id from motions t2 where ((true and t2.slug = $1)))))))) r group by 1 order by 2 desc, 1 limit $2) t;
select p.place, r.* from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select t.choice, t.division_id from votes t where t.actor_id = p.id order by t.id limit $2) r;
select p.place, t.value, t.count from unnest((select $1::bigint[])) with ordinality p (id, place) cross join lateral (select r.choice as value, count(*)::integer as count from (select t.* from votes t where t.party_id = p.id) r group by 1 order by 2 desc, 1 limit $2) t;
select t.id, t.id from actors t where t.slug = $1;
select t.id, t.id, (t.name), t.proposed_on, t.meeting_id from motions t where t.slug = $1;
