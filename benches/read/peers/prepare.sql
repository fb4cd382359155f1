-- What the peers need to sort by date and to search as Dossier does. Their tools sort by columns.
alter table statements add column said_from date generated always as (coalesce(lower(partial_date_range(said_on)), 'infinity'::date)) stored;
create index on statements (meeting_id, said_from, id);
create index on statements (speaker_id, said_from, id);

create function bench_search(search text) returns setof statements
    language sql stable
begin atomic
    select * from statements s
    where s.search @@ (websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1))
    order by ts_rank(s.search, websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1)) desc, s.id desc;
end;

analyze statements;
