select kind, id, place, score from ((select * from (select 0 as kind, id, ((0::bigint << 56) + id) as place, score::real as score from (select id, max(score) as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actors where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name) union all select actor_id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actor_names where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m group by id) m) k
               order by score desc, place limit $3) union all (select * from (select 1 as kind, id, ((1::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from meetings where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m) k
               order by score desc, place limit $3) union all (select * from (select 2 as kind, id, ((2::bigint << 56) + id) as place, score::real as score from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from statements where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) m) k
               order by score desc, place limit $3) union all (select * from (select 3 as kind, id, ((3::bigint << 56) + id) as place, score::real as score from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from commentaries where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) m) k
               order by score desc, place limit $3) union all (select * from (select 4 as kind, id, ((4::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from topics where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m) k
               order by score desc, place limit $3) union all (select * from (select 5 as kind, id, ((5::bigint << 56) + id) as place, score::real as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2
             ) as score
             from sources where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(title) or plain($2) % plain(title)) m) k
               order by score desc, place limit $3)) h order by score desc, place limit $3;
select sum(count)::bigint from (select count(*) from (select id, max(score) as score from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actors where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name) union all select actor_id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from actor_names where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) m group by id) k union all select count(*) from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from meetings where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) k union all select count(*) from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from statements where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) k union all select count(*) from (select id, ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32) as score from commentaries where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) k union all select count(*) from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(name)) + similarity(plain($2), plain(name))) / 2
             ) as score
             from topics where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(name) or plain($2) % plain(name)) k union all select count(*) from (select id as id, greatest(
                 ts_rank(search, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), 32),
                 (word_similarity(plain($2), plain(title)) + similarity(plain($2), plain(title))) / 2
             ) as score
             from sources where search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) or plain($2) <% plain(title) or plain($2) % plain(title)) k) c;
select t.id, t.id, t.author_id, t.question from commentaries t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.name from topics t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.speaker_id, t.summary from statements t where t.id = any((select $1::bigint[])::bigint[]);
select t.kind, t.id, t.field, ts_headline('dossier_english', t.text, (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)), $4) as headline
         from (select 0 as kind, 0 as ordinal, id as id, 'name' as field, name as text
             from actors where id = any($2) and 0 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 0 as kind, 1 as ordinal, actor_id as id, 'names' as field, name as text
             from actor_names where actor_id = any($2) and 0 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 1 as kind, 0 as ordinal, id as id, 'name' as field, name as text
             from meetings where id = any($2) and 1 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 1 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text
             from meetings where id = any($2) and 1 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 2 as kind, 0 as ordinal, id as id, 'summary' as field, summary as text
             from statements where id = any($2) and 2 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 2 as kind, 1 as ordinal, id as id, 'quote' as field, quote as text
             from statements where id = any($2) and 2 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 3 as kind, 0 as ordinal, id as id, 'question' as field, question as text
             from commentaries where id = any($2) and 3 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 3 as kind, 1 as ordinal, id as id, 'summary' as field, summary as text
             from commentaries where id = any($2) and 3 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 4 as kind, 0 as ordinal, id as id, 'name' as field, name as text
             from topics where id = any($2) and 4 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) union all select 5 as kind, 0 as ordinal, id as id, 'title' as field, title as text
             from sources where id = any($2) and 5 = any($3) and search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))) t join unnest($2::bigint[], $3::integer[]) hit (id, kind) using (kind, id)
         where t.text is not null order by t.ordinal, t.text;
