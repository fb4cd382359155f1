import { Referred, SourceRef } from '../api/documents';
import { useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Answer, Empty } from '../parts/answer';
import { typeAt } from '../parts/record-link';
import { Link, useAddress } from '../router';
import { useIsEditor } from '../session/role';
import SignIn from '../session/sign-in';
import { t } from '../texts';
import type { Parameters } from '../views';
import { RecordForm } from './form';
import { type Form, forms } from './forms';
import type { Given } from './values';

/** A form for a new record, or for one that exists; without a type, the types that can be entered. */
export default function Edit({ parameters: { place, slug, type } }: { parameters: Parameters }) {
  const form = place ? forms.get(typeAt(place)!) : [...forms.values()].find(({ key }) => key === type);
  const title = titleOf(form, slug, type);
  useTitle(title);
  const isEditor = useIsEditor();
  return (
    <div className="view">
      <h1>{title}</h1>
      {!form && (place || type) ? (
        <Empty>{t.noSuchPageAdvice}</Empty>
      ) : !isEditor ? (
        <>
          <p>{t.edited.needsEditor}</p>
          <SignIn />
        </>
      ) : !form ? (
        <Types />
      ) : slug ? (
        <Existing form={form} slug={slug} />
      ) : (
        <New key={location.search} form={form} />
      )}
    </div>
  );
}

function titleOf(form: Form | undefined, slug: string | undefined, type: string | undefined): string {
  if (form) return (slug ? t.edited.title : t.edited.newTitle)(t.types[form.type].one);
  return type || slug ? t.noSuchPage : t.edited.enter;
}

const Types = () => (
  <ul className="types-to-enter">
    {[...forms.values()].map(({ type, key }) => (
      <li key={key}>
        <Link to={`new/${key}`}>{t.types[type].one}</Link>
      </li>
    ))}
  </ul>
);

function Existing({ form, slug }: { form: Form; slug: string }) {
  const query = useQuery(form.load, { slug });
  return (
    <Answer of={query}>
      {({ record }) => (record ? <RecordForm form={form} record={record} /> : <Empty>{t.noRecordAdvice(slug)}</Empty>)}
    </Answer>
  );
}

/** A new record, with the citation that the reader of a source began and the records that the address names. */
function New({ form }: { form: Form }) {
  const { parameters } = useAddress();
  const slug = parameters.get('source') ?? '';
  const named = form.fields.filter(
    ({ name, kind }) => name !== 'source' && RECORDS.includes(kind) && parameters.has(name),
  );
  const ids = named.map(({ name }) => parameters.get(name)!);
  const source = useQuery(SourceRef, { slug }, { enabled: slug !== '' });
  const records = useQuery(Referred, { ids }, { enabled: ids.length > 0 });
  const waited = [slug !== '' && source, ids.length > 0 && records].find((query) => query && query.data === undefined);
  if (waited) return <Answer of={waited as typeof source}>{() => null}</Answer>;
  const given: Given = Object.fromEntries(
    named.flatMap(({ name, kind }, at) => {
      const record = records.data?.nodes[at];
      if (!record || !('slug' in record)) return [];
      return [
        [name, kind === 'record' ? record : kind === 'evidence' ? [{ role: 'SUPPORTS', evidence: record }] : [record]],
      ];
    }),
  );
  const cited = source.data?.source;
  if (cited) {
    given['source'] = cited;
    const place = PLACE.flatMap((name) => (parameters.has(name) ? [[name, parameters.get(name)]] : []));
    given['citations'] = { nodes: [{ source: cited, ...Object.fromEntries(place) }] };
  }
  return <RecordForm form={form} given={given} />;
}

/** Kinds of fields that an address may fill in, by the ids of records. */
const RECORDS: string[] = ['record', 'records', 'targets', 'evidence'];

/** What an address says of the passage that is cited. */
const PLACE = ['locator', 'quote', 'prefix', 'suffix', 'start', 'end', 'version'];
