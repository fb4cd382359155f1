-- Statements are grouped by who spoke and when in this index alone. Its rows are in the order of the table for each
-- speaker, so that few pages of the visibility map are looked up.
create index statements_by_speaker_with_date on statements (speaker_id) include (said_on);
