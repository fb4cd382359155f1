import type { ReactNode } from 'react';
import type { Document } from '../api/document';
import { type Page, usePages } from '../api/queries';
import { Empty, Loading, Refused } from '../parts/answer';
import { Link } from '../router';
import { t } from '../texts';

interface ListProps<Data, Variables, Node> {
  title: string;
  document: Document<Data, Variables>;
  variables: Variables;
  page: (data: Data) => Page & { nodes: Node[] };
  entry: (node: Node) => ReactNode;
  /** What is said in place of an empty list; without it an empty list is left out. */
  empty?: string | undefined;
  /** The address of a view that has all of them, to narrow down. */
  all?: string | undefined;
}

/** A section with the records of a connection, page after page. */
export function List<Data, Variables extends { after?: string | null | undefined }, Node>({
  title,
  document,
  variables,
  page,
  entry,
  empty,
  all,
}: ListProps<Data, Variables, Node>) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = usePages(document, variables, page);
  const nodes = data?.pages.flatMap((one) => page(one).nodes);
  if (nodes?.length === 0 && empty === undefined) return null;
  if (!nodes && !error && empty === undefined) return null;
  return (
    <section className="section">
      <h2>{title}</h2>
      {nodes ? (
        <ul>{nodes.map((node) => entry(node))}</ul>
      ) : error ? (
        <Refused error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
      {nodes?.length === 0 && <Empty>{empty}</Empty>}
      {hasNextPage && (
        <p>
          <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t.more}
          </button>
          {all && (
            <>
              {' '}
              <Link to={all}>{t.allToNarrow}</Link>
            </>
          )}
        </p>
      )}
    </section>
  );
}
