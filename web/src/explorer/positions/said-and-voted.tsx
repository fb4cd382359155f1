import { SaidAndVoted as Document, type SaidAndVotedQuery } from '../api/documents';
import { useQuery } from '../api/queries';
import * as entries from '../lists/entries';
import { Answer, Empty } from '../parts/answer';
import { RecordLink } from '../parts/record-link';
import { useAsOf } from '../router';
import { t } from '../texts';

/** Who spoke for something and voted against it, or the other way round. */
export function SaidAndVoted({ topic }: { topic: string }) {
  const found = useQuery(Document, { topic, asOf: useAsOf() });
  return (
    <section className="section">
      <h2>{t.stands.saidAndVoted}</h2>
      <p className="small soft">{t.stands.saidAndVotedExplained}</p>
      <Answer of={found}>
        {({ saidFor, saidAgainst }) =>
          saidFor.nodes.length + saidAgainst.nodes.length === 0 ? (
            <Empty>{t.stands.nobodyVotedOtherwise}</Empty>
          ) : (
            <>
              <Those title={t.stands.saidFor} who={saidFor.nodes} />
              <Those title={t.stands.saidAgainst} who={saidAgainst.nodes} />
            </>
          )
        }
      </Answer>
    </section>
  );
}

function Those({ title, who }: { title: string; who: SaidAndVotedQuery['saidFor']['nodes'] }) {
  if (who.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      {who.map((actor) => (
        <div key={actor.id} className="said-and-voted">
          <h4>
            <RecordLink record={actor} />
          </h4>
          <ul>
            {actor.positions.nodes.map(entries.position)}
            {actor.votes.nodes.map(entries.vote)}
          </ul>
        </div>
      ))}
    </>
  );
}
