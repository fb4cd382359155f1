import { Viewer } from '../api/documents';
import { useQuery } from '../api/queries';
import { key } from './key';

/** Whether the reader's key allows changes. */
export function useIsEditor(): boolean {
  const { data } = useQuery(Viewer, {}, { enabled: key() !== '' });
  return data?.viewer.role === 'EDITOR' || data?.viewer.role === 'ADMIN';
}
