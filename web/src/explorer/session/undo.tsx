import { RevertRevision } from '../api/documents';
import { useMutation } from '../api/queries';
import { t } from '../texts';
import { useIsEditor } from './role';

/** Undoes the change that a revision belongs to, unless someone changed the same values since. */
export function Undo({ revision, isAmong = false }: { revision: number; isAmong?: boolean }) {
  const undo = useMutation(RevertRevision);
  if (!useIsEditor()) return null;
  const said = undo.error?.message ?? undo.data?.revertRevision.userErrors.map(({ message }) => message).join(' ');
  return (
    <>
      {isAmong && '· '}
      <button
        type="button"
        className="plain"
        disabled={undo.isPending}
        onClick={() => undo.mutate({ input: { revision } })}
      >
        {t.undo}
      </button>
      {said && (
        <span role="alert" className="refusal">
          {' '}
          {said}
        </span>
      )}
    </>
  );
}
