-- A position has several pieces of evidence, for it and against it, a period in which it was held, and a confidence.

create type evidence_role as enum ('SUPPORTS', 'CONTRADICTS');
comment on type evidence_role is 'Whether a piece of evidence speaks for a position or against it.';

alter table positions
    add column held_from partial_date,
    add column held_until partial_date,
    add column held_during daterange generated always as (period(held_from, held_until)) stored,
    add column confidence confidence,
    add constraint positions_held_start_before_end check (starts_before_end(held_from, held_until)),
    drop constraint positions_one_evidence,
    add constraint positions_one_evidence check (num_nonnulls(statement_id, commentary_id, vote_id) <= 1);
comment on column positions.statement_id is 'The statement, if one of its pieces of evidence is named here and is one.';
comment on column positions.commentary_id is 'The commentary, if one of its pieces of evidence is named here and is one.';
comment on column positions.vote_id is 'The vote, if one of its pieces of evidence is named here and is one.';
comment on column positions.held_from is 'Since when it is held, as precisely as it is known.';
comment on column positions.held_until is 'Until when it was held, as precisely as it is known.';
comment on column positions.held_during is 'The days on which it may have been held, open where an end is unknown; null where both are.';
comment on column positions.confidence is 'How well founded it is that the holder has this stance.';
comment on constraint positions_one_evidence on positions is 'Only one statement, commentary or vote can be named here; list several in evidenceItems.';
comment on constraint positions_held_start_before_end on positions is 'A position must not end before it begins.';

create index positions_by_confidence on positions (confidence, id);
create index positions_by_held_from on positions ((coalesce(lower(held_during), 'infinity'::date)), id);
create index positions_by_held_from_backward on positions ((coalesce(lower(held_during), '-infinity'::date)), id);
create index positions_held_during on positions using gist ((coalesce(held_during, '(,)'::daterange)));
create index positions_by_held_during on positions (held_during);

create table position_evidence (
    id bigint generated always as identity primary key,
    position_id bigint not null
        constraint position_evidence_position_id_fkey references positions on delete cascade deferrable,
    statement_id bigint constraint position_evidence_statement_id_fkey references statements deferrable,
    commentary_id bigint constraint position_evidence_commentary_id_fkey references commentaries deferrable,
    vote_id bigint constraint position_evidence_vote_id_fkey references votes deferrable,
    role evidence_role not null,
    constraint position_evidence_one_record check (num_nonnulls(statement_id, commentary_id, vote_id) = 1)
);
comment on table position_evidence is 'The evidence of positions, for them and against them.';
comment on column position_evidence.id is 'Number of the row.';
comment on column position_evidence.position_id is 'The position.';
comment on column position_evidence.statement_id is 'The statement, if it is one.';
comment on column position_evidence.commentary_id is 'The commentary, if it is one.';
comment on column position_evidence.vote_id is 'The vote, if it is one.';
comment on column position_evidence.role is 'Whether it speaks for the position or against it.';
comment on constraint position_evidence_one_record on position_evidence is 'A piece of evidence is exactly one statement, commentary or vote.';

create index position_evidence_by_position on position_evidence (position_id, id);
create index position_evidence_by_role on position_evidence (role, position_id);
create unique index position_evidence_statement_key on position_evidence (statement_id, position_id) where statement_id is not null;
create unique index position_evidence_commentary_key on position_evidence (commentary_id, position_id) where commentary_id is not null;
create unique index position_evidence_vote_key on position_evidence (vote_id, position_id) where vote_id is not null;
create index position_evidence_by_statement on position_evidence (statement_id, position_id);
create index position_evidence_by_commentary on position_evidence (commentary_id, position_id);
create index position_evidence_by_vote on position_evidence (vote_id, position_id);

call keep_history('position_evidence', 'position_id', 'position_id', 'id', false);

-- The one piece of evidence that each position has becomes its first.
select set_config('dossier.requester', 'migration', true);
insert into position_evidence (position_id, statement_id, commentary_id, vote_id, role)
select id, statement_id, commentary_id, vote_id, 'SUPPORTS' from positions order by id;

-- Servers of the version before know one piece of evidence, in columns of the position. It is one of those in the list:
-- whichever of the two a transaction changes, the other follows at its end.
create function keep_evidence_in_step() returns trigger
    language plpgsql as
$$
declare
    held positions;
    first position_evidence;
begin
    select p.* into held from positions p
    where id = ((case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end) ->> tg_argv[0])::bigint;
    if not found or exists (
        select from position_evidence e
        where e.position_id = held.id
        and (e.statement_id, e.commentary_id, e.vote_id)
            is not distinct from (held.statement_id, held.commentary_id, held.vote_id)
    ) then
        return null;
    end if;
    select e.* into first from position_evidence e where e.position_id = held.id order by e.role, e.id limit 1;
    if num_nonnulls(held.statement_id, held.commentary_id, held.vote_id) = 0 then
        if first.id is null then
            perform refuse('positions_evidence', 'positions', 'position_evidence', 'At least one entry is required.');
        end if;
    elsif tg_table_name = 'positions' or first.id is null then
        if tg_op = 'UPDATE' and tg_table_name = 'positions' then
            update position_evidence e
            set statement_id = held.statement_id, commentary_id = held.commentary_id, vote_id = held.vote_id
            where e.position_id = held.id
            and (e.statement_id, e.commentary_id, e.vote_id) is not distinct from (old.statement_id, old.commentary_id, old.vote_id);
            if found then
                return null;
            end if;
        end if;
        insert into position_evidence (position_id, statement_id, commentary_id, vote_id, role)
        values (held.id, held.statement_id, held.commentary_id, held.vote_id, 'SUPPORTS');
        return null;
    end if;
    update positions
    set statement_id = first.statement_id, commentary_id = first.commentary_id, vote_id = first.vote_id
    where id = held.id;
    return null;
end
$$;
comment on function keep_evidence_in_step is
    'Keeps the evidence in the columns of a position one of those in its list. The argument is the column of the position.';

create constraint trigger positions_evidence_entered after insert on positions
    deferrable initially deferred for each row execute function keep_evidence_in_step('id');
create constraint trigger positions_evidence_changed after update on positions
    deferrable initially deferred for each row
    when ((old.statement_id, old.commentary_id, old.vote_id) is distinct from (new.statement_id, new.commentary_id, new.vote_id))
    execute function keep_evidence_in_step('id');
create constraint trigger position_evidence_in_step after insert or update or delete on position_evidence
    deferrable initially deferred for each row execute function keep_evidence_in_step('position_id');

-- As of a moment before this list, the one piece of evidence of a position is its list.
do $$
declare
    before constant text := '-- Views over these tables exist over their history too.';
    rebuilding constant text := pg_get_functiondef('rebuild_history_views'::regproc);
begin
    if position(before in rebuilding) = 0 then
        raise exception 'rebuild_history_views has no place for the evidence of positions';
    end if;
    execute replace(rebuilding, before, $sql$
        execute format(
            'create or replace view %1$I.position_evidence as %2$s union all
             select -p.id, p.id, p.statement_id, p.commentary_id, p.vote_id, ''SUPPORTS'' from %1$I.positions p
             where not exists (select from %1$I.revisions r where r.position_id = p.id and r.part = ''position_evidence'')',
            past, rtrim(pg_get_viewdef(format('%I.position_evidence', past)::regclass), '; ')
        );

        $sql$ || before);
end
$$;

call rebuild_history_views();
