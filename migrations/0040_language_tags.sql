-- Tags of languages have one form, by which filters find them. The server writes them in it.

do $$
declare
    told record;
begin
    for told in
        select conrelid::regclass as of_table, conname from pg_constraint where conname like '%\_language\_form' and connamespace = current_schema()::regnamespace
    loop
        execute format(
            'alter table %s drop constraint %I, add constraint %2$I check (language ~ ''^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*$'')',
            told.of_table, told.conname
        );
        execute format('comment on constraint %I on %s is ''It takes a BCP 47 tag: en, kk, zh-Hans.''', told.conname, told.of_table);
    end loop;
end
$$;

-- As RFC 5646 recommends: the language in lower case, the script with a capital, the country in capitals.
create function pg_temp.canonical(tag text) returns text
    language sql immutable strict
return (
    select string_agg(
        case
            when place = 1 or after_singleton then lower(part)
            when part ~ '^[a-zA-Z]{4}$' then initcap(part)
            when part ~ '^[a-zA-Z]{2}$' then upper(part)
            else lower(part)
        end, '-' order by place
    )
    from (
        select part, place, coalesce(bool_or(length(part) = 1) over (order by place rows between unbounded preceding and 1 preceding), false)
        from unnest(string_to_array(tag, '-')) with ordinality t (part, place)
    ) p (part, place, after_singleton)
);

select set_config('dossier.requester', 'migration', true);
update sources set language = pg_temp.canonical(language) where language <> pg_temp.canonical(language);
update statements set language = pg_temp.canonical(language) where language <> pg_temp.canonical(language);
update actor_names n set language = pg_temp.canonical(language)
where language <> pg_temp.canonical(language) and not exists (
    select from actor_names other
    where other.language = pg_temp.canonical(n.language)
    and (other.actor_id, other.name, other.script, other.kind, other.valid_from, other.valid_until)
        is not distinct from (n.actor_id, n.name, n.script, n.kind, n.valid_from, n.valid_until)
);
