import { type KeyboardEvent, type Ref, useDeferredValue, useId, useState } from 'react';
import { type RecordRefFragment, type SearchType, Suggest, SuggestTexts } from '../api/documents';
import { useQuery } from '../api/queries';
import { t } from '../texts';
import './combobox.css';

interface Props {
  /** Its name, unless a label in the document names it by its `id`. */
  label?: string;
  id?: string;
  describedBy?: string | undefined;
  placeholder?: string;
  text: string;
  onText: (text: string) => void;
  /** What to do with the record that the reader chose among the suggestions; without it there are none. */
  onChoose?: ((record: RecordRefFragment) => void) | undefined;
  /** Types of records that are suggested; all if left out. */
  types?: SearchType[] | undefined;
  /** Whether Enter takes the first suggestion unless another is chosen, and never what was typed. */
  mustChoose?: boolean;
  input?: Ref<HTMLInputElement>;
}

const TEXTS: SearchType[] = ['STATEMENT', 'COMMENTARY'];

/** Records of types that have names, by the beginnings of these; of the others, if they are asked for, by their words. */
function useSuggestions(prefix: string, types: SearchType[] | undefined) {
  const named = types?.filter((type) => !TEXTS.includes(type));
  const texts = types?.filter((type) => TEXTS.includes(type)) ?? [];
  const [isNamed, isText] = [prefix !== '' && named?.length !== 0, prefix !== '' && texts.length > 0];
  const names = useQuery(Suggest, { prefix, types: named ?? null }, { enabled: isNamed, keep: true });
  const found = useQuery(SuggestTexts, { query: prefix, types: texts }, { enabled: isText, keep: true });
  const records = isText
    ? (found.data?.search.edges.map(({ node }) => ({ text: node.label, record: node })) ?? [])
    : [];
  return [...(isNamed ? (names.data?.suggest ?? []) : []), ...records];
}

/** A field that suggests records as one types, by pointer or by keyboard. */
export function Combobox({
  label,
  id,
  describedBy,
  placeholder,
  text,
  onText,
  onChoose,
  types,
  mustChoose = false,
  input,
}: Props) {
  const [isOpen, setOpen] = useState(false);
  const [moved, choose] = useState(-1);
  const list = useId();
  const prefix = useDeferredValue(text.trim());
  const isAsked = isOpen && onChoose !== undefined && prefix.length > 1;
  const suggestions = useSuggestions(isAsked ? prefix : '', types);
  const least = mustChoose && suggestions.length > 0 ? 0 : -1;
  const chosen = Math.max(moved, least);

  const pick = (at: number) => {
    const suggestion = suggestions[at];
    setOpen(false);
    choose(-1);
    if (suggestion) onChoose?.(suggestion.record);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setOpen(false);
    if (event.key === 'Enter') {
      if (chosen >= 0 || mustChoose) event.preventDefault();
      pick(chosen);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || suggestions.length === 0) return;
    event.preventDefault();
    const count = suggestions.length - least;
    choose(((chosen - least + step + count) % count) + least);
  };
  return (
    <div className="combobox">
      <input
        ref={input}
        id={id}
        type="search"
        role="combobox"
        aria-label={label}
        aria-describedby={describedBy}
        aria-expanded={suggestions.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={chosen < 0 ? undefined : `${list}-${chosen}`}
        autoComplete="off"
        dir="auto"
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setOpen(true);
          choose(-1);
        }}
        onKeyDown={press}
        onBlur={() => setOpen(false)}
      />
      <div
        id={list}
        className="suggestions"
        role="listbox"
        aria-label={t.suggestions}
        hidden={suggestions.length === 0}
      >
        {suggestions.map(({ text, record }, at) => (
          <div
            key={record.id}
            id={`${list}-${at}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              pick(at);
            }}
          >
            <bdi>{text}</bdi>
            <span className="label">{t.types[record.__typename].one}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
