-- Citations quote words of a source's text, and are anchored in it.

alter table citations
    add column quote filled_text,
    add column prefix filled_text,
    add column suffix filled_text,
    add column version integer not null default 0,
    add constraint citations_words_around_a_quote check (quote is not null or num_nonnulls(prefix, suffix) = 0),
    add constraint citations_version_not_negative check (version >= 0);
alter table citations alter column version drop default;
comment on column citations.quote is 'The words of the passage.';
comment on column citations.prefix is 'The words before the quote, where it is not there once.';
comment on column citations.suffix is 'The words after the quote, where it is not there once.';
comment on column citations.version is 'The version of the source''s text that the locator and the quote are of; 0 where there was none yet: then the first.';
comment on constraint citations_words_around_a_quote on citations is 'Words before or after need a quote.';
comment on constraint citations_version_not_negative on citations is 'A version is 0 or more.';

create function set_citation_version() returns trigger
    language plpgsql as
$$
begin
    select coalesce(max(version), 0) into new.version from source_texts where source_id = new.source_id;
    return new;
end
$$;
comment on function set_citation_version is 'The text that a citation is of, where it does not say: the last version.';

create trigger citations_version before insert on citations
    for each row when (new.version is null) execute function set_citation_version();

create type anchor_state as enum ('ANCHORED', 'RESOLVED', 'ORPHANED', 'UNRESOLVED');
comment on type anchor_state is 'How a citation is tied to a passage of a text.';

create table citation_anchors (
    -- No foreign key: an anchor follows from a citation and a text, also after the citation was deleted.
    citation_id bigint,
    sha256 text constraint citation_anchors_sha256_fkey references text_contents deferrable initially deferred,
    state anchor_state not null,
    starts integer,
    ends integer,
    first_passage integer,
    last_passage integer,
    primary key (citation_id, sha256),
    constraint citation_anchors_place check (
        num_nonnulls(starts, ends, first_passage, last_passage) = case when state in ('ANCHORED', 'RESOLVED') then 4 else 0 end
        and starts < ends and first_passage <= last_passage
    )
);
comment on table citation_anchors is 'Where citations stand in texts. Not part of the history, as they follow from citations and texts.';
comment on column citation_anchors.citation_id is 'The citation.';
comment on column citation_anchors.sha256 is 'The text.';
comment on column citation_anchors.state is 'How it is tied to the passage.';
comment on column citation_anchors.starts is 'How many characters of the text are before it.';
comment on column citation_anchors.ends is 'How many characters of the text there are up to its end.';
comment on column citation_anchors.first_passage is 'The passage in which it starts.';
comment on column citation_anchors.last_passage is 'The passage in which it ends.';

create index citation_anchors_by_passage on citation_anchors (sha256, first_passage);

call rebuild_history_views();
