-- A citation is of a version that its source has, also where an undo brings it back.

create function check_cited_version() returns trigger
    language plpgsql as
$$
begin
    if exists (
        select from citations c where c.id = new.id and c.version > 0 and not exists (
            select from source_texts t where t.source_id = c.source_id and t.version = c.version
        )
    ) then
        perform refuse(
            'citations_version_there', 'citations', 'version',
            format('The text of the source has no version %s: it was reverted.', new.version)
        );
    end if;
    return null;
end
$$;
comment on function check_cited_version is 'Refuses a citation of a version that the source does not have.';

create constraint trigger citations_version_there after insert or update of source_id, version on citations
    deferrable initially deferred for each row when (new.version > 0) execute function check_cited_version();
