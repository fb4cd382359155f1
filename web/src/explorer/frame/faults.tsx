import { Component, type ReactNode } from 'react';
import { t } from '../texts';

/** Says that a view failed, or that its files are those of another version of the page, in place of a blank page. */
export class Faults extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="view" role="alert">
        <h1>{t.fault}</h1>
        <p>{t.faultAdvice}</p>
        <p>
          <button type="button" onClick={() => location.reload()}>
            {t.reload}
          </button>
        </p>
      </div>
    );
  }
}
