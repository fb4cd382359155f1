// The schema of the peers that are written by hand, and the SQL of its levels: one statement for all
// parents of a level, as a careful team would write it.
import pg from 'pg';

export const pool = new pg.Pool({ max: 4 });
pg.types.setTypeParser(20, Number);

const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows;

export const typeDefs = `
  type Query {
    actor(id: Int!): Actor
    meetings(first: Int!, after: Int): [Meeting!]!
    statementsOf(speaker: Int!, first: Int!): StatementPage!
    search(search: String!, first: Int!): [Statement!]!
  }
  type Actor { slug: String! kind: String! name: String! }
  type Meeting { name: String! participants(first: Int!): [Actor!]! statements(first: Int!): [Statement!]! }
  type Statement { summary: String! saidOn: String speaker: Actor! topics(first: Int!): [Topic!]! }
  type Topic { name: String! }
  type StatementPage { hasNextPage: Boolean! edges: [StatementEdge!]! }
  type StatementEdge { cursor: String! node: Statement! }
`;

const statementColumns = `id, summary, said_on as "saidOn", speaker_id, said_from::text as said_from`;

export const actor = async (id) =>
  (await rows('actor', 'select slug, kind, name from actors where id = $1', [id]))[0];

export const meetings = (first, after) =>
  rows('meetings', 'select id, name from meetings where id > $1 order by id limit $2', [after ?? 0, first]);

export async function statementsOf(speaker, first) {
  const found = await rows(
    'statementsOf',
    `select ${statementColumns} from statements where speaker_id = $1 order by said_from, id limit $2`,
    [speaker, first + 1],
  );
  const edges = found.slice(0, first).map((node) => ({
    cursor: Buffer.from(JSON.stringify([node.said_from, node.id])).toString('base64'),
    node,
  }));
  return { hasNextPage: found.length > first, edges };
}

export const search = (words, first) =>
  rows('search', 'select summary from bench_search($1) limit $2', [words, first]);

const grouped = (keys, found) => {
  const groups = new Map(keys.map((key) => [key, []]));
  for (const row of found) groups.get(row.parent).push(row);
  return keys.map((key) => groups.get(key));
};

const each = (name, inner) => async (ids, first) =>
  grouped(
    ids,
    await rows(
      name,
      `select p.id as parent, r.* from unnest($1::bigint[]) p (id) cross join lateral (${inner} limit $2) r`,
      [ids, first],
    ),
  );

export const participantsOf = each(
  'participants',
  `select a.slug, a.kind, a.name from meeting_participants mp join actors a on a.id = mp.actor_id
   where mp.meeting_id = p.id order by a.id`,
);

export const statementsAt = each(
  'statements',
  `select ${statementColumns} from statements where meeting_id = p.id order by said_from, id`,
);

export const topicsOf = each(
  'topics',
  `select t.name from statement_topics st join topics t on t.id = st.topic_id where st.statement_id = p.id order by t.id`,
);

export async function actors(ids) {
  const distinct = [...new Set(ids)];
  const found = await rows('actors', 'select id, slug, kind, name from actors where id = any($1)', [distinct]);
  const byId = new Map(found.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}
