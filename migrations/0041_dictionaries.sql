-- Full-text search by the dictionary of each language that Postgres has one of. Stems of other languages than English
-- have the weights C and D, by which a search distinguishes them: the stems of one language are words of another.

create function dictionary_of(language text) returns regconfig
    language sql immutable parallel safe
return case split_part(lower(language), '-', 1)
    when 'ar' then 'arabic'::regconfig
    when 'hy' then 'armenian'::regconfig
    when 'eu' then 'basque'::regconfig
    when 'ca' then 'catalan'::regconfig
    when 'da' then 'danish'::regconfig
    when 'nl' then 'dutch'::regconfig
    when 'fi' then 'finnish'::regconfig
    when 'fr' then 'french'::regconfig
    when 'de' then 'german'::regconfig
    when 'el' then 'greek'::regconfig
    when 'hi' then 'hindi'::regconfig
    when 'hu' then 'hungarian'::regconfig
    when 'id' then 'indonesian'::regconfig
    when 'ga' then 'irish'::regconfig
    when 'it' then 'italian'::regconfig
    when 'lt' then 'lithuanian'::regconfig
    when 'ne' then 'nepali'::regconfig
    when 'no' then 'norwegian'::regconfig
    when 'nb' then 'norwegian'::regconfig
    when 'nn' then 'norwegian'::regconfig
    when 'pt' then 'portuguese'::regconfig
    when 'ro' then 'romanian'::regconfig
    when 'ru' then 'russian'::regconfig
    when 'sr' then 'serbian'::regconfig
    when 'es' then 'spanish'::regconfig
    when 'sv' then 'swedish'::regconfig
    when 'ta' then 'tamil'::regconfig
    when 'tr' then 'turkish'::regconfig
    when 'yi' then 'yiddish'::regconfig
end;
comment on function dictionary_of is
    'The text search configuration of a language other than English; null where Postgres has none.';

create function searchable(heading text, heading_language text, body text, body_language text) returns tsvector
    language sql immutable parallel safe
return searchable(heading, body)
    || coalesce(setweight(to_tsvector(dictionary_of(heading_language), heading), 'C'), ''::tsvector)
    || coalesce(setweight(to_tsvector(dictionary_of(body_language), body), 'D'), ''::tsvector);
comment on function searchable(text, text, text, text) is
    'What full-text search finds a record by: its heading first, then its body, with their stems.';

-- The query of the stems of words in every language but English.
create function stems_query(words text) returns tsquery
    language sql immutable parallel safe
return (
    select coalesce(
        string_agg('(' || regexp_replace(branch, $$'(?:[^']|'')*'$$, '\&:CD', 'g') || ')', ' | ')::tsquery,
        websearch_to_tsquery('simple'::regconfig, '')
    )
    from (
        select distinct websearch_to_tsquery(dictionary, words)::text
        from unnest(
            array[
                'arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'finnish', 'french', 'german', 'greek',
                'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian',
                'portuguese', 'romanian', 'russian', 'serbian', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish'
            ]::regconfig[]
        ) dictionary
    ) branches (branch)
    -- Words as they are find stems of every weight.
    where branch not in (
        '', websearch_to_tsquery('dossier_english'::regconfig, words)::text,
        websearch_to_tsquery('dossier_simple'::regconfig, words)::text
    )
);
comment on function stems_query is 'A full-text query of words by their stems in every language but English.';

create function english_query(pairs text[]) returns tsquery
    language sql immutable parallel safe set client_min_messages = warning
return (
    select coalesce(string_agg('(' || branch.query::text || ')', ' | ')::tsquery, websearch_to_tsquery('simple'::regconfig, ''))
    from generate_series(1, cardinality(pairs), 2) place
    cross join lateral (
        select (websearch_to_tsquery('dossier_english'::regconfig, pairs[place])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place]))
            && !!(websearch_to_tsquery('dossier_english'::regconfig, pairs[place + 1])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place + 1])) as query
    ) branch
    where numnode(branch.query) > 0
);
comment on function english_query is
    'A full-text query of pairs, by English stems and the words as they are: what is wanted, and what must not be there.';

create or replace function search_query(pairs text[]) returns tsquery
    language sql immutable parallel safe set client_min_messages = warning
return (
    select coalesce(string_agg('(' || branch.query::text || ')', ' | ')::tsquery, websearch_to_tsquery('simple'::regconfig, ''))
    from generate_series(1, cardinality(pairs), 2) place
    cross join lateral (
        select (websearch_to_tsquery('dossier_english'::regconfig, pairs[place])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place])
                || stems_query(pairs[place]))
            && !!(websearch_to_tsquery('dossier_english'::regconfig, pairs[place + 1])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place + 1])
                || case when pairs[place + 1] = '' then websearch_to_tsquery('simple'::regconfig, '') else stems_query(pairs[place + 1]) end) as query
    ) branch
    where numnode(branch.query) > 0
);
comment on function search_query is
    'A full-text query of pairs, in every language: what is wanted, and what must be there in none of its forms. One pair has to be found.';
