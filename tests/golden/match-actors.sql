
    select n.place, plain(n.given) as plain_given, c.*
    from unnest($1::text[]) with ordinality n (given, place)
    cross join lateral (
        select m.actor_id, m.name, m.own, m.identifier, plain(m.name) as plain_name, l.likeness, l.part_likeness
        from (
            select id as actor_id, name, true as own, false as identifier from actors
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, name, false, false from actor_names
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, value, false, true from actor_identifiers where value = n.given
        ) m
        join actors on actors.id = m.actor_id
        cross join lateral (
            select similarity(plain(n.given), plain(m.name)), word_similarity(plain(n.given), plain(m.name))
        ) l (likeness, part_likeness)
        where $2::text[] is null or actors.kind = any($2::text[]::actor_kind[])
        order by m.identifier desc, l.likeness + l.part_likeness desc, m.actor_id
        limit 200
    ) c
    order by n.place;
select t.id, t.id, t.name, t.kind from actors t where t.id = any((select $1::bigint[])::bigint[]);
