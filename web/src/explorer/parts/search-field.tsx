import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { navigate } from '../router';
import { t } from '../texts';
import { Combobox } from './combobox';
import { placeOf } from './record-link';
import './search-field.css';

interface Props {
  isLarge?: boolean;
  value?: string;
  /** What follows the typing in place of suggestions. */
  onType?: (text: string) => void;
}

/** Where to search from: suggests records as one types; Enter opens the one chosen, or the search. */
export function SearchField({ isLarge = false, value = '', onType }: Props) {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => onSlash(() => input.current?.focus()), []);

  const leave = (view: string) => {
    input.current?.blur();
    navigate(view);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!onType && text.trim()) leave(`search?${new URLSearchParams({ q: text.trim() })}`);
  };
  return (
    <form role="search" className={isLarge ? 'search-field large' : 'search-field'} onSubmit={submit}>
      <Combobox
        input={input}
        label={t.search}
        placeholder={isLarge ? t.searchHint : t.search}
        text={onType ? value : text}
        onText={onType ?? setText}
        onChoose={
          onType
            ? undefined
            : (record) => {
                setText('');
                leave(placeOf(record));
              }
        }
      />
    </form>
  );
}

/** Calls `focus` when the reader types a slash outside of a field. */
function onSlash(focus: () => void) {
  const typed = (event: globalThis.KeyboardEvent) => {
    const isField = event.target instanceof Element && event.target.closest('input, textarea, select');
    if (event.key !== '/' || isField || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    focus();
  };
  addEventListener('keydown', typed);
  return () => removeEventListener('keydown', typed);
}
