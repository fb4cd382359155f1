-- Names that clients gave their mutations are forgotten after a week.

create index client_mutations_by_age on client_mutations (recorded_at);
