import { Suspense, useEffect, useRef } from 'react';
import { Empty, Loading } from '../parts/answer';
import { SearchField } from '../parts/search-field';
import { Link, useAddress } from '../router';
import { useIsEditor } from '../session/role';
import { t } from '../texts';
import { navigation, viewAt } from '../views';
import { ConnectionNote, useLive } from './live-note';
import { AsOfNote, Moment } from './moment';
import { Faults } from './faults';
import { Foot } from './foot';
import './frame.css';

/** What stands around every view. */
export function Frame() {
  const { segments } = useAddress();
  const main = useRef<HTMLElement>(null);
  const found = viewAt(segments);
  const place = segments.join('/');
  const isEditor = useIsEditor();
  useLive();
  const hasField = place === '' || place === 'search';
  useEffect(() => (place === '' ? undefined : focusHeading(main.current!)), [place]);
  return (
    <>
      <a className="hidden skip" href="#main" onClick={() => main.current?.focus()}>
        {t.skip}
      </a>
      <header className="frame-head">
        <Link to="" className="wordmark">
          Dossier
        </Link>
        {!hasField && <SearchField />}
        <nav aria-label={t.views}>
          {navigation.map(({ path, name }) => (
            <Link key={path} to={path} aria-current={segments[0] === path ? 'page' : undefined}>
              {name}
            </Link>
          ))}
          {isEditor && (
            <Link to="new" aria-current={segments[0] === 'new' ? 'page' : undefined}>
              {t.edited.enter}
            </Link>
          )}
        </nav>
        <Moment />
      </header>
      <AsOfNote />
      <ConnectionNote />
      <main ref={main} id="main" tabIndex={-1}>
        <Faults key={place}>
          <Suspense fallback={<Loading />}>
            {found ? (
              <found.view.component parameters={found.parameters} />
            ) : (
              <div className="view">
                <h1>{t.noSuchPage}</h1>
                <Empty>{t.noSuchPageAdvice}</Empty>
                <p>
                  <Link to="">{t.toStart}</Link>
                </p>
              </div>
            )}
          </Suspense>
        </Faults>
      </main>
      <Foot />
    </>
  );
}

/** Moves the focus to the heading of a view that was just opened, so that screen readers begin there. */
function focusHeading(main: HTMLElement) {
  const focus = () => {
    const heading = main.querySelector('h1');
    if (!heading) return false;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    return true;
  };
  if (focus()) return undefined;
  const observer = new MutationObserver(() => focus() && observer.disconnect());
  observer.observe(main, { childList: true, subtree: true });
  return () => observer.disconnect();
}
