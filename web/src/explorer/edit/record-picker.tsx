import { useState } from 'react';
import type { RecordRefFragment, SearchType } from '../api/documents';
import { Combobox } from '../parts/combobox';
import { type RecordType, placeOfAll } from '../parts/record-link';
import { Link } from '../router';
import { t } from '../texts';
import { focus } from './focus';
import type { Field } from './forms';

interface Props {
  id: string;
  field: Field;
  described: string | undefined;
  pick: (record: RecordRefFragment) => void;
  /** Whether the reader is at it already. */
  takesFocus?: boolean;
}

/** Types that are found as one types. */
const FOUND: Partial<Record<RecordType, SearchType>> = {
  Actor: 'ACTOR',
  Commentary: 'COMMENTARY',
  Event: 'EVENT',
  Meeting: 'MEETING',
  Motion: 'MOTION',
  Source: 'SOURCE',
  Statement: 'STATEMENT',
  Topic: 'TOPIC',
};

/** Chooses a record among those whose names begin as one types; of other types, on the record's own page. */
export function RecordPicker({ id, field, described, pick, takesFocus = false }: Props) {
  const [text, setText] = useState('');
  const types = field.types.flatMap((type) => FOUND[type] ?? []);
  if (types.length === 0) {
    const [type] = field.types as [RecordType];
    return (
      <p className="small">
        {t.edited.chooseThere} <Link to={placeOfAll(type)}>{t.types[type].many}</Link>
      </p>
    );
  }
  return (
    <Combobox
      input={takesFocus ? focus : null}
      id={id}
      describedBy={described}
      placeholder={t.edited.choose}
      types={types}
      mustChoose
      text={text}
      onText={setText}
      onChoose={(record) => {
        setText('');
        pick(record);
      }}
    />
  );
}
