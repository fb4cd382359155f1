import { useState } from 'react';
import type { Document } from '../api/document';
import { textOf } from '../api/document';
import { Viewer } from '../api/documents';
import { queries, useQuery } from '../api/queries';
import { type RecordType, placeOfAll } from '../parts/record-link';
import { Link, root } from '../router';
import { key, keep } from '../session/key';
import { choose, language, languages, t } from '../texts';

/** Types that have a list of their own; positions are a view. */
const LISTED: RecordType[] = [
  'Actor',
  'Meeting',
  'Statement',
  'Commentary',
  'Event',
  'Relation',
  'Motion',
  'Division',
  'Vote',
  'Topic',
  'Source',
];

export function Foot() {
  return (
    <footer className="frame-foot small">
      <nav className="lists" aria-label={t.lists}>
        {LISTED.map((type) => (
          <Link key={type} to={placeOfAll(type)}>
            {t.types[type].many}
          </Link>
        ))}
      </nav>
      <GraphQLOfThisView />
      <a href={new URL('graphiql', root).href}>GraphiQL</a>
      <a href={new URL('schema.graphql', root).href}>schema.graphql</a>
      <Session />
      <span className="languages">
        {languages.map(({ code, name }) => (
          <button
            key={code}
            type="button"
            className="plain"
            lang={code}
            aria-pressed={code === language}
            onClick={() => choose(code)}
          >
            {name}
          </button>
        ))}
      </span>
    </footer>
  );
}

/** Who is signed in, and the way in and out. */
function Session() {
  const { data } = useQuery(Viewer, {}, { enabled: key() !== '' });
  if (key() === '') return <Link to="sign-in">{t.signIn}</Link>;
  const signOut = () => {
    keep('');
    location.reload();
  };
  return (
    <span>
      {data && t.signedIn(data.viewer.name ?? '', t.roles[data.viewer.role])}{' '}
      <button type="button" className="plain" onClick={signOut}>
        {t.signOut}
      </button>
    </span>
  );
}

/** Links that open the queries of what is shown in GraphiQL. */
function GraphQLOfThisView() {
  const [links, setLinks] = useState<{ name: string; href: string }[]>([]);
  const collect = async () => {
    const active = queries.getQueryCache().findAll({ type: 'active' });
    const asked = active.map(({ queryKey }) => queryKey as [Document<unknown, unknown>, unknown]);
    const made = asked.map(async ([document, variables]) => {
      const given = new URLSearchParams({ query: await textOf(document), variables: JSON.stringify(variables) });
      return { name: document.name, href: new URL(`graphiql#${given}`, root).href };
    });
    setLinks(await Promise.all(made));
  };
  return (
    <details className="graphql" onToggle={(event) => event.currentTarget.open && void collect()}>
      <summary>{t.graphql}</summary>
      <ul>
        {links.map(({ name, href }) => (
          <li key={href}>
            <a href={href}>{name}</a>
          </li>
        ))}
      </ul>
    </details>
  );
}
