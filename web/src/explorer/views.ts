import { type ComponentType, lazy } from 'react';
import { t } from './texts';

/** The words of an address that a view's path names. */
export type Parameters = Record<string, string>;

interface View {
  /** The words of its address; `:slug` stands for any word. */
  path: string;
  component: ComponentType<{ parameters: Parameters }>;
  /** Its name in the navigation, if it is there. */
  name?: string;
}

const browse = lazy(() => import('./browse/view'));

/** All views, each loaded when it is first opened. */
export const views: View[] = [
  { path: '', component: lazy(() => import('./start/view')) },
  { path: 'actors/:slug', component: lazy(() => import('./record/actor')) },
  { path: 'commentaries/:slug', component: lazy(() => import('./record/commentary')) },
  { path: 'divisions/:slug', component: lazy(() => import('./record/division')) },
  { path: 'events/:slug', component: lazy(() => import('./record/event')) },
  { path: 'meetings/:slug', component: lazy(() => import('./record/meeting')) },
  { path: 'motions/:slug', component: lazy(() => import('./record/motion')) },
  { path: 'positions/:slug', component: lazy(() => import('./record/position')) },
  { path: 'relations/:slug', component: lazy(() => import('./record/relation')) },
  { path: 'sources/:slug', component: lazy(() => import('./record/source')) },
  { path: 'statements/:slug', component: lazy(() => import('./record/statement')) },
  { path: 'topics/:slug', component: lazy(() => import('./record/topic')) },
  { path: 'votes/:slug', component: lazy(() => import('./record/vote')) },
  ...[
    'actors',
    'commentaries',
    'divisions',
    'events',
    'meetings',
    'motions',
    'relations',
    'sources',
    'statements',
    'topics',
    'votes',
  ].map((path) => ({ path, component: browse })),
  { path: 'positions', component: lazy(() => import('./positions/view')), name: t.positions },
  { path: 'timeline', component: lazy(() => import('./timeline/view')), name: t.timeline.title },
  { path: 'network', component: lazy(() => import('./network/view')), name: t.network.name },
  { path: 'numbers', component: lazy(() => import('./numbers/view')), name: t.numbers.name },
  { path: 'changes', component: lazy(() => import('./changes/view')), name: t.changes.name },
  { path: ':place/:slug/edit', component: lazy(() => import('./edit/view')) },
  { path: 'new', component: lazy(() => import('./edit/view')) },
  { path: 'new/:type', component: lazy(() => import('./edit/view')) },
  { path: 'search', component: lazy(() => import('./search/view')) },
  { path: 'sources/:slug/read', component: lazy(() => import('./reader/view')) },
  { path: 'sign-in', component: lazy(() => import('./session/view')) },
];

export const navigation = views.filter(({ name }) => name !== undefined);

/** The view at an address, with the words that its path names. */
export function viewAt(words: string[]): { view: View; parameters: Parameters } | undefined {
  for (const view of views) {
    const path = view.path.split('/').filter(Boolean);
    const isMatch =
      path.length === words.length && path.every((word, at) => word.startsWith(':') || word === words[at]);
    if (!isMatch) continue;
    const named = path.flatMap((word, at): [string, string][] =>
      word.startsWith(':') ? [[word.slice(1), words[at]!]] : [],
    );
    return { view, parameters: Object.fromEntries(named) };
  }
  return undefined;
}
