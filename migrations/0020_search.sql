-- What people search for, and patterns that mean what is written.

create function search_query(pairs text[]) returns tsquery
    language sql immutable parallel safe
return (
    select coalesce(string_agg('(' || branch.query::text || ')', ' | '), '')::tsquery
    from generate_series(1, cardinality(pairs), 2) place
    cross join lateral (
        select (websearch_to_tsquery('dossier_english'::regconfig, pairs[place])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place]))
            && !!(websearch_to_tsquery('dossier_english'::regconfig, pairs[place + 1])
                || websearch_to_tsquery('dossier_simple'::regconfig, pairs[place + 1])) as query
    ) branch
    where numnode(branch.query) > 0
);
comment on function search_query is
    'A full-text query of pairs: what is wanted, and what must be there in none of its forms. One pair has to be found.';

create function literally(text text) returns text
    language sql immutable strict parallel safe
return regexp_replace(plain(text), '([\\%_])', '\\\1', 'g');
comment on function literally is
    'A text to find in plain ones, for a pattern: letters that only become `%`, `_` or `\` there stand for themselves too.';
