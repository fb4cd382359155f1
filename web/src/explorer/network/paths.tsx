import type { UseQueryResult } from '@tanstack/react-query';
import type { PathsQuery } from '../api/documents';
import { Answer, Empty } from '../parts/answer';
import { RecordLink } from '../parts/record-link';
import { t } from '../texts';

/** The shortest ways from one actor to another, each step with what shows it. */
export const PathList = ({ of }: { of: UseQueryResult<PathsQuery> }) => (
  <section className="section">
    <h2>{t.network.paths}</h2>
    <Answer of={of}>
      {({ path }) =>
        path.length === 0 ? (
          <Empty>{t.network.noPaths}</Empty>
        ) : (
          <ol className="paths">
            {path.map(({ steps }, at) => (
              <li key={at}>
                <p>
                  {steps.map(({ from }) => (
                    <span key={from.id}>
                      <RecordLink record={from} /> →{' '}
                    </span>
                  ))}
                  <RecordLink record={steps.at(-1)?.to} />
                </p>
                <ul className="small">
                  {steps.map(({ from, kind, evidence }) => (
                    <li key={from.id}>
                      <span className="soft">{t.word(kind)}:</span> <RecordLink record={evidence} />
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ol>
        )
      }
    </Answer>
  </section>
);
