import { type AnchorHTMLAttributes, type MouseEvent, useMemo, useSyncExternalStore } from 'react';
import type { AsOf } from './api/documents';

/** The root of the server, which a proxy may serve below a path. */
export const root = new URL('.', document.baseURI);

/** Parameters that belong to the reader rather than to a view: links carry them along. */
const CARRIED = ['asOf'];

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());
addEventListener('popstate', tell);

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

/** The words of an address between slashes, and its parameters. */
export function useAddress() {
  const href = useSyncExternalStore(subscribe, () => location.href);
  return useMemo(() => addressIn(href), [href]);
}

export function addressIn(href: string) {
  const { pathname, searchParams } = new URL(href);
  const path = pathname.slice(root.pathname.length);
  return { segments: path.split('/').filter(Boolean).map(decodeURIComponent), parameters: searchParams };
}

/** The address of a view, `actors/kazakhstan`, as of the moment that the reader looks at. */
export function addressOf(view: string): string {
  const address = new URL(view, root);
  const here = new URLSearchParams(location.search);
  for (const name of CARRIED) {
    const value = here.get(name);
    if (value && !address.searchParams.has(name)) address.searchParams.set(name, value);
  }
  return address.href;
}

export function navigate(view: string, { replace = false } = {}) {
  const address = addressOf(view);
  if (replace) history.replaceState(null, '', address);
  else {
    history.pushState(null, '', address);
    scrollTo(0, 0);
  }
  tell();
}

/** Sets parameters of the present address; null removes one. */
export function setParameters(changes: Record<string, string | string[] | null>, { replace = false } = {}) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    address.searchParams.delete(name);
    for (const one of [value ?? []].flat()) if (one !== '') address.searchParams.append(name, one);
  }
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  tell();
}

/** The moment that the base is shown as of: a revision or a time; now if undefined. */
export function useAsOf(): AsOf | undefined {
  const { parameters } = useAddress();
  const moment = parameters.get('asOf');
  return useMemo(() => {
    if (!moment || moment === today()) return undefined;
    return /^\d+$/.test(moment) ? { revision: Number(moment) } : { time: endOf(moment) };
  }, [moment]);
}

/** Today is not over: as of today is as of now. */
export const today = () => new Date().toISOString().slice(0, 10);

/** A day as its last moment; a time as it is. */
const endOf = (moment: string) => (/^\d{4}-\d{2}-\d{2}$/.test(moment) ? `${moment}T23:59:59Z` : moment);

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** A link to a view. With a modifier key the browser opens it as it does any link. */
export function Link({ to, onClick, children, ...attributes }: LinkProps) {
  useAddress();
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={addressOf(to)} onClick={follow} {...attributes}>
      {children}
    </a>
  );
}
