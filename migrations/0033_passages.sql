-- Full-text search finds sources by the last version of their text.

create view source_passages as
select source_texts.source_id, text_passages.sha256, text_passages.number, text_passages.text, text_passages.search
from source_texts
join text_passages on text_passages.sha256 = source_texts.sha256
where not exists (
    select from source_texts later
    where later.source_id = source_texts.source_id and later.version > source_texts.version
);
comment on view source_passages is 'The passages of the last version of each source''s text.';
comment on column source_passages.source_id is 'The source.';
comment on column source_passages.sha256 is 'The text.';
comment on column source_passages.number is 'The position of the passage in the text, from 1.';
comment on column source_passages.text is 'Its words.';
comment on column source_passages.search is 'What full-text search finds it by.';

call rebuild_history_views();
