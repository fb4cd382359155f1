-- What became of each import, for metrics.

create type import_result as enum ('WRITTEN', 'UNCHANGED', 'FAILED');
comment on type import_result is 'How an import ended: with changes, without any, or with an error.';

create table imports (
    id bigint generated always as identity primary key,
    ended_at timestamptz not null default clock_timestamp(),
    seconds double precision not null,
    requester filled_text not null,
    result import_result not null,
    change bigint,
    created bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    rejected bigint not null default 0,
    removed bigint not null default 0
);
comment on table imports is 'Imports that have ended. Dry runs are not among them.';
comment on column imports.id is 'Number of the row.';
comment on column imports.ended_at is 'When it ended.';
comment on column imports.seconds is 'How long it took.';
comment on column imports.requester is 'Who imported.';
comment on column imports.result is 'How it ended.';
comment on column imports.change is 'The change as which it is recorded, if it wrote anything.';
comment on column imports.created is 'Records that it created.';
comment on column imports.updated is 'Records that it updated.';
comment on column imports.unchanged is 'Records that were the same already.';
comment on column imports.rejected is 'Records that it rejected.';
comment on column imports.removed is 'Records that a complete edition no longer had, and that were deleted.';
