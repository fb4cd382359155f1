-- Citations keep the text that they are of, and every rule has words.

-- A citation that was entered before its source had a text is of the first one.
create or replace function refuse_taking_cited_text() returns trigger
    language plpgsql as
$$
begin
    if exists (select from source_texts where source_id = old.source_id and version = old.version) then
        return null;
    end if;
    if exists (
        select from citations c where c.source_id = old.source_id and (
            c.version = old.version
            or c.version = 0 and not exists (
                select from source_texts t where t.source_id = old.source_id and t.version < old.version
            )
        )
    ) then
        perform refuse(
            'source_texts_cited', 'source_texts', 'version',
            format('Citations are of version %s of the text: change or revert them before.', old.version)
        );
    end if;
    return null;
end
$$;

create function refuse_text_before_cited() returns trigger
    language plpgsql as
$$
begin
    if not exists (select from source_texts t where t.source_id = new.source_id and t.version < new.version) and exists (
        select from source_texts t
        join citation_anchors a on a.sha256 = t.sha256
        join citations c on c.id = a.citation_id and c.source_id = t.source_id and c.version = 0
        where t.source_id = new.source_id and t.version > new.version
    ) then
        perform refuse(
            'source_texts_before_cited', 'source_texts', 'version',
            'Citations are of the first version of the text: no version comes before it.'
        );
    end if;
    return null;
end
$$;
comment on function refuse_text_before_cited is 'Refuses a version before the first, while citations are of the first.';

create trigger source_texts_before_cited after insert on source_texts
    for each row execute function refuse_text_before_cited();

comment on constraint source_texts_version_positive on source_texts is 'A version is 1 or more.';
comment on constraint citations_start_before_end on citations is 'A position ends after its start: it has at least one character.';
comment on constraint text_contents_characters_positive on text_contents is 'A text has at least one character.';
comment on constraint text_contents_sha256_form on text_contents is 'A SHA-256 has 64 hexadecimal digits.';
comment on constraint text_passages_number_positive on text_passages is 'The first passage is number 1.';
comment on constraint text_passages_length on text_passages is 'A passage is as long as its words.';
comment on constraint citation_anchors_place on citation_anchors is 'An anchor has a place exactly where its state says so.';
comment on constraint translations_one_record on translations is 'A translation is of exactly one record.';
comment on constraint origins_one_record on origins is 'An origin is of exactly one record.';
comment on constraint revisions_one_record on revisions is 'A revision is of exactly one record.';
comment on constraint revisions_some_value on revisions is 'A revision has a value before or after the change.';
comment on constraint revisions_change_begins_it on revisions is 'A change has the number of its first revision.';
comment on constraint api_keys_expires_later on api_keys is 'A key expires after it was created.';
comment on constraint api_keys_name_form on api_keys is 'A name has at most 200 characters, no control characters, no white space at its ends, and does not begin with dossier_.';
comment on constraint statements_event_type_fkey on statements is 'It takes an event type of the vocabulary.';
comment on constraint event_modes_event_type_fkey on event_modes is 'It takes an event type of the vocabulary.';
