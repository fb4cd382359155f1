import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, Suspense, lazy } from 'react';
import { Refusal } from '../api/request';
import { t } from '../texts';
import './answer.css';

const SignIn = lazy(() => import('../session/sign-in'));

type Query<Data> = Pick<UseQueryResult<Data>, 'data' | 'error' | 'refetch' | 'isPending'>;

/** What a query gives, or how far it has come, or why the server refused it. */
export function Answer<Data>({ of, children }: { of: Query<Data>; children: (data: Data) => ReactNode }) {
  if (of.data !== undefined) return children(of.data);
  if (of.error) return <Refused error={of.error} retry={() => void of.refetch()} />;
  return <Loading />;
}

export const Loading = () => (
  <p className="answer loading" role="status">
    {t.loading}
  </p>
);

export const Empty = ({ children }: { children: ReactNode }) => <p className="answer soft">{children}</p>;

/** Says what the reader can do about a refusal. */
export function Refused({ error, retry }: { error: Refusal; retry?: () => void }) {
  const said = t.refusals[error.code];
  return (
    <div className="answer refused" role="alert">
      <p>
        <strong>{said?.title ?? t.refusals['INTERNAL']!.title}</strong>
      </p>
      <p>{said?.advice ?? error.message}</p>
      {error.code === 'UNAUTHENTICATED' && (
        <Suspense fallback={<Loading />}>
          <SignIn />
        </Suspense>
      )}
      {retry && error.code !== 'UNAUTHENTICATED' && (
        <button type="button" onClick={retry}>
          {t.tryAgain}
        </button>
      )}
      <details className="small soft">
        <summary>{t.details}</summary>
        <p>
          <bdi>{error.message}</bdi> ({error.code}
          {error.requestId && `, ${error.requestId}`})
        </p>
      </details>
    </div>
  );
}
