import { type KeyboardEvent, useState } from 'react';
import { type RecordRefFragment, type SearchType, Suggest } from '../api/documents';
import { useQuery } from '../api/queries';
import '../parts/search-field.css';
import { t } from '../texts';

interface Props {
  id: string;
  types: SearchType[] | undefined;
  described: string | undefined;
  pick: (record: RecordRefFragment) => void;
}

/** Chooses a record among those whose names begin as one types. */
export function RecordPicker({ id, types, described, pick }: Props) {
  const [text, setText] = useState('');
  const [chosen, choose] = useState(0);
  const prefix = text.trim();
  const { data } = useQuery(Suggest, { prefix, types: types ?? null }, { enabled: prefix.length > 1, keep: true });
  const suggestions = prefix.length > 1 ? (data?.suggest ?? []) : [];
  const take = (at: number) => {
    const suggestion = suggestions[at];
    if (!suggestion) return;
    setText('');
    choose(0);
    pick(suggestion.record);
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') setText('');
    if (event.key !== 'Enter' && (!step || suggestions.length === 0)) return;
    event.preventDefault();
    if (step) choose((chosen + step + suggestions.length) % suggestions.length);
    else take(chosen);
  };
  return (
    <div className="search-field">
      <input
        id={id}
        role="combobox"
        aria-expanded={suggestions.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={suggestions.length > 0 ? `${id}-${chosen}` : undefined}
        aria-describedby={described}
        autoComplete="off"
        dir="auto"
        placeholder={t.edited.choose}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          choose(0);
        }}
        onKeyDown={move}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={t.suggestions} hidden={suggestions.length === 0}>
        {suggestions.map(({ text, record }, at) => (
          <li
            key={record.id}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              take(at);
            }}
          >
            <bdi>{text}</bdi>
            <span className="label">{t.types[record.__typename].one}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
