select kind, id, name from (
             select distinct on (kind, id) * from ((select 0 as kind, id as id, name as name, 0 as inside, 0 as alias from actors
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 0, id, name, 1, 0 from actors
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2) union all (select 0 as kind, actor_id as id, name as name, 0 as inside, 1 as alias from actor_names
              where plain(name) like literally($1) || '%' order by length(name), name, actor_id limit $2)
             union all
             (select 0, actor_id, name, 1, 1 from actor_names
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, actor_id limit $2) union all (select 1 as kind, id as id, name as name, 0 as inside, 0 as alias from meetings
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 1, id, name, 1, 0 from meetings
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2) union all (select 3 as kind, id as id, name as name, 0 as inside, 0 as alias from events
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 3, id, name, 1, 0 from events
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2) union all (select 5 as kind, id as id, name as name, 0 as inside, 0 as alias from topics
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 5, id, name, 1, 0 from topics
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2) union all (select 5 as kind, topic_id as id, name as name, 0 as inside, 1 as alias from topic_names
              where plain(name) like literally($1) || '%' order by length(name), name, topic_id limit $2)
             union all
             (select 5, topic_id, name, 1, 1 from topic_names
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, topic_id limit $2) union all (select 6 as kind, id as id, title as name, 0 as inside, 0 as alias from sources
              where plain(title) like literally($1) || '%' order by length(title), title, id limit $2)
             union all
             (select 6, id, title, 1, 0 from sources
              where plain(title) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(title), title, id limit $2) union all (select 7 as kind, id as id, name as name, 0 as inside, 0 as alias from motions
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 7, id, name, 1, 0 from motions
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2)) n order by kind, id, inside, alias, length(name), name
         ) n order by inside, plain(name) <> plain($1), alias, length(name), name, kind, id limit $2;
select kind, id, name from (
             select distinct on (kind, id) * from ((select 0 as kind, id as id, name as name, 0 as inside, 0 as alias from actors
              where plain(name) like literally($1) || '%' order by length(name), name, id limit $2)
             union all
             (select 0, id, name, 1, 0 from actors
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, id limit $2) union all (select 0 as kind, actor_id as id, name as name, 0 as inside, 1 as alias from actor_names
              where plain(name) like literally($1) || '%' order by length(name), name, actor_id limit $2)
             union all
             (select 0, actor_id, name, 1, 1 from actor_names
              where plain(name) like any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))
              order by length(name), name, actor_id limit $2)) n order by kind, id, inside, alias, length(name), name
         ) n order by inside, plain(name) <> plain($1), alias, length(name), name, kind, id limit $2;
select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from actors t where t.id = any((select $1::bigint[])::bigint[]);
select t.id, t.id, t.slug from topics t where t.id = any((select $1::bigint[])::bigint[]);
