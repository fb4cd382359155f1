-- Sentences without capital letters and accents, beside them: what a filter by a part of a text compares. Made
-- anew for each row that is looked at, it took twelve times as long as the comparison itself.

alter table statements
    add column plain_summary text generated always as (plain(summary)) stored,
    add column plain_quote text generated always as (plain(quote)) stored;
comment on column statements.plain_summary is 'The summary without capital letters and accents.';
comment on column statements.plain_quote is 'The quote without capital letters and accents.';

alter table meetings add column plain_summary text generated always as (plain(summary)) stored;
comment on column meetings.plain_summary is 'The summary without capital letters and accents.';

alter table commentaries
    add column plain_question text generated always as (plain(question)) stored,
    add column plain_summary text generated always as (plain(summary)) stored;
comment on column commentaries.plain_question is 'The question without capital letters and accents.';
comment on column commentaries.plain_summary is 'The summary without capital letters and accents.';

drop index statements_summary_trigrams, statements_quote_trigrams, meetings_summary_trigrams,
    commentaries_question_trigrams, commentaries_summary_trigrams;
create index statements_summary_trigrams on statements using gin (plain_summary gin_trgm_ops);
create index statements_quote_trigrams on statements using gin (plain_quote gin_trgm_ops);
create index meetings_summary_trigrams on meetings using gin (plain_summary gin_trgm_ops);
create index commentaries_question_trigrams on commentaries using gin (plain_question gin_trgm_ops);
create index commentaries_summary_trigrams on commentaries using gin (plain_summary gin_trgm_ops);

-- What is made of other columns is no part of the history.
do $$
declare
    known constant text := '''{search, ';
    recording constant text := pg_get_functiondef('record_revisions'::regproc);
begin
    if position(known in recording) = 0 then
        raise exception 'record_revisions has no list of derived columns';
    end if;
    execute replace(recording, known, '''{search, plain_question, plain_quote, plain_summary, ');
end
$$;

call tell_past();
