import { useState } from 'react';
import type { RecordRefFragment, SearchType } from '../api/documents';
import { Combobox } from '../parts/combobox';
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
  return (
    <Combobox
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
