import { SourceRecord } from '../api/documents';
import * as format from '../format';
import { Records } from '../lists/entries';
import { Commentaries } from '../lists/lists';
import { readerOf } from '../parts/citations';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { Link } from '../router';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Source({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={SourceRecord} slug={slug} find={(data) => data.source}>
      {(source) => (
        <>
          <div>
            <p className="lead">
              <Link to={readerOf(slug)}>{t.readSource}</Link>
            </p>
            <Translations of={source.translations} />
            <Facts
              of={[
                [t.field('authors'), source.authors.nodes.length > 0 && <Records of={source.authors.nodes} />],
                [t.field('publisher'), source.publisher && <RecordLink record={source.publisher} />],
                [t.field('publishedOn'), source.publishedOn ? <When from={source.publishedOn} /> : t.unknownDate],
                [t.field('language'), source.language && format.languageName(source.language)],
                [t.field('reliability'), source.reliability && t.reliability(source.reliability)],
                [
                  t.field('url'),
                  source.url && (
                    <a href={source.url} rel="noreferrer nofollow">
                      {source.url}
                    </a>
                  ),
                ],
                [t.text, source.coverage && t.coverage(source.coverage.cited, source.coverage.passages)],
              ]}
            />
          </div>
          <Commentaries
            title={t.commentariesIn}
            filter={{ source: { slug: { equals: slug } } }}
            orderBy="ORDINAL_ASC"
          />
        </>
      )}
    </RecordView>
  );
}
