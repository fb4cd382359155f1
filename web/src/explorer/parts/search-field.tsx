import { type FormEvent, type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from 'react';
import { Suggest } from '../api/documents';
import { useQuery } from '../api/queries';
import { navigate } from '../router';
import { t } from '../texts';
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
  const [text, setText] = useState(value);
  const [isOpen, setOpen] = useState(false);
  const [chosen, choose] = useState(-1);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const prefix = useDeferredValue(text.trim());
  const { data } = useQuery(Suggest, { prefix }, { enabled: isOpen && prefix.length > 1, keep: true });
  const suggestions = isOpen && prefix.length > 1 ? (data?.suggest ?? []) : [];
  useEffect(() => setText(value), [value]);
  useEffect(() => onSlash(() => input.current?.focus()), []);

  const open = (at: number) => {
    const suggestion = suggestions[at];
    setOpen(false);
    choose(-1);
    if (onType) return;
    input.current?.blur();
    if (suggestion) {
      setText('');
      navigate(placeOf(suggestion.record));
    } else if (text.trim()) navigate(`search?${new URLSearchParams({ q: text.trim() })}`);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open(chosen);
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') setOpen(false);
    if (!step || suggestions.length === 0) return;
    event.preventDefault();
    const count = suggestions.length + 1;
    choose(((chosen + 1 + step + count) % count) - 1);
  };
  return (
    <form role="search" className={isLarge ? 'search-field large' : 'search-field'} onSubmit={submit}>
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label={t.search}
        aria-expanded={suggestions.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={chosen < 0 ? undefined : `${list}-${chosen}`}
        autoComplete="off"
        dir="auto"
        placeholder={isLarge ? t.searchHint : t.search}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onType?.(event.target.value);
          setOpen(!onType);
          choose(-1);
        }}
        onKeyDown={move}
        onBlur={() => setOpen(false)}
      />
      <ul id={list} role="listbox" aria-label={t.suggestions} hidden={suggestions.length === 0}>
        {suggestions.map(({ text, record }, at) => (
          <li
            key={record.id}
            id={`${list}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              open(at);
            }}
          >
            <bdi>{text}</bdi>
            <span className="label">{t.types[record.__typename].one}</span>
          </li>
        ))}
      </ul>
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
