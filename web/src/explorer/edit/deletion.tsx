import { useId, useRef, useState } from 'react';
import type { RecordHeadFragment, SavedFragment } from '../api/documents';
import { queries } from '../api/queries';
import { Refusal, request } from '../api/request';
import * as format from '../format';
import { placeOf } from '../parts/record-link';
import { navigate } from '../router';
import { t } from '../texts';
import type { Form } from './forms';

/** Deletes a record, once the reader has read what goes with it. */
export function Deletion({ form, record }: { form: Form; record: RecordHeadFragment }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [refusals, setRefusals] = useState<Pick<SavedFragment, 'code' | 'message'>[]>([]);
  const [isDeleting, setDeleting] = useState(false);
  const close = () => dialog.current?.close();
  const confirm = async () => {
    setDeleting(true);
    try {
      const input = { [form.key]: { id: record.id }, expectedRevision: record.revision };
      const { saved } = await request(form.delete, { input: input as never });
      setRefusals(saved.userErrors);
      if (saved.userErrors.length > 0) return;
      void queries.invalidateQueries();
      navigate(`${placeOf(record)}?deleted=${String(saved.revision)}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusals([{ code: 'INVALID', message: error.message }]);
    } finally {
      setDeleting(false);
    }
  };
  const goes = lostWith(record);
  return (
    <section className="deletion">
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {t.edited.delete(t.types[record.__typename].one)}
      </button>
      <dialog ref={dialog} aria-labelledby={title}>
        <div>
          <h2 id={title}>
            {t.edited.deletes} <bdi>{record.label}</bdi>
          </h2>
          <p>{goes.length > 0 ? t.edited.goesToo(goes) : t.edited.goesAlone}</p>
          <p className="soft">{t.edited.deletionStays}</p>
          {refusals.length > 0 && (
            <div role="alert" className="wrong">
              {refusals.map(({ message }) => (
                <p key={message}>{message}</p>
              ))}
              {refusals.some(({ code }) => code === 'IN_USE') && <p>{t.edited.inUse}</p>}
            </div>
          )}
          <p className="actions">
            <button type="button" onClick={close}>
              {t.edited.keep}
            </button>{' '}
            <button type="button" className="main" disabled={isDeleting} onClick={() => void confirm()}>
              {t.edited.confirm}
            </button>
          </p>
        </div>
      </dialog>
    </section>
  );
}

/** The lists that a record owns, which go with it: citations (3). */
function lostWith(record: RecordHeadFragment): string[] {
  return Object.entries(record).flatMap(([name, value]: [string, unknown]) => {
    const list = value as { nodes?: unknown[]; edges?: unknown[]; pageInfo?: { hasNextPage: boolean } } | null;
    const items = Array.isArray(value) ? value : (list?.nodes ?? list?.edges);
    if (!items || items.length === 0) return [];
    return `${t.field(name)} (${format.number(items.length)}${list?.pageInfo?.hasNextPage ? '+' : ''})`;
  });
}
