/** The key of the reader, kept for this tab of the browser only. GraphiQL uses the same one. */
const NAME = 'dossier:key';

export const key = () => sessionStorage.getItem(NAME) ?? '';

export function keep(key: string) {
  if (key) sessionStorage.setItem(NAME, key);
  else sessionStorage.removeItem(NAME);
}

/** The header that sends the key. */
export const bearer = (): Record<string, string> => (key() ? { authorization: `Bearer ${key()}` } : {});
