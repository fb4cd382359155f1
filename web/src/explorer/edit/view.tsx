import { SourceRef } from '../api/documents';
import { useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Answer, Empty } from '../parts/answer';
import { useAddress } from '../router';
import { useIsEditor } from '../session/role';
import SignIn from '../session/sign-in';
import { t } from '../texts';
import type { Parameters } from '../views';
import { RecordForm } from './form';
import { type Form, forms } from './forms';
import { citationOf } from './kinds';

/** A form for a new record, or for one that exists. */
export default function Edit({ parameters: { place, slug, type } }: { parameters: Parameters }) {
  const form = place ? forms[place] : Object.values(forms).find(({ key }) => key === type);
  const title = form ? (slug ? t.edited.title : t.edited.newTitle)(t.types[form.type].one) : t.noSuchPage;
  useTitle(title);
  const isEditor = useIsEditor();
  return (
    <div className="view">
      <h1>{title}</h1>
      {!form ? (
        <Empty>{t.noSuchPageAdvice}</Empty>
      ) : !isEditor ? (
        <>
          <p>{t.edited.needsEditor}</p>
          <SignIn />
        </>
      ) : slug ? (
        <Existing form={form} slug={slug} />
      ) : (
        <New key={form.key} form={form} />
      )}
    </div>
  );
}

function Existing({ form, slug }: { form: Form; slug: string }) {
  const query = useQuery(form.load, { slug });
  return (
    <Answer of={query}>
      {({ record }) => (record ? <RecordForm form={form} record={record} /> : <Empty>{t.noRecordAdvice(slug)}</Empty>)}
    </Answer>
  );
}

/** A new record, with the citation that the reader of a source began. */
function New({ form }: { form: Form }) {
  const { parameters } = useAddress();
  const slug = parameters.get('source') ?? '';
  const source = useQuery(SourceRef, { slug }, { enabled: slug !== '' });
  if (slug === '') return <RecordForm form={form} />;
  return (
    <Answer of={source}>
      {({ source }) => {
        const citations = source ? [citationOf(source, Object.fromEntries(parameters))] : [];
        const given = { source, citations: { nodes: citations } };
        return <RecordForm form={form} given={given} />;
      }}
    </Answer>
  );
}
