-- How credible a passage is: with the reliability of its source, its grade in the Admiralty code.

create type credibility as enum (
    'CONFIRMED', 'PROBABLY_TRUE', 'POSSIBLY_TRUE', 'DOUBTFUL', 'IMPROBABLE', 'CANNOT_BE_JUDGED'
);
comment on type credibility is 'The credibility of what a passage says: the numbers 1 to 6 of the Admiralty code.';

create function credibility_number(rated credibility) returns integer
    language sql immutable parallel safe
return case rated
    when 'CONFIRMED' then 1
    when 'PROBABLY_TRUE' then 2
    when 'POSSIBLY_TRUE' then 3
    when 'DOUBTFUL' then 4
    when 'IMPROBABLE' then 5
    else 6
end;
comment on function credibility_number is 'The number of a credibility in the Admiralty code; 6 if it was not rated.';

create function admiralty_grade(reliability source_reliability, rated credibility) returns text
    language sql stable parallel safe
return coalesce(reliability::text, 'F') || credibility_number(rated);
comment on function admiralty_grade is 'A grade of the Admiralty code, B2; F and 6 where nobody has rated the source or the passage.';

alter table citations add column credibility credibility;
comment on column citations.credibility is 'How credible it is what the passage says; null if it was not rated.';

create index citations_by_credibility on citations (credibility, id);
create index citations_by_credibility_number on citations (credibility_number(credibility), id);

call rebuild_history_views();
