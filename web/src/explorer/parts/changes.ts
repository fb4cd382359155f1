interface Revision {
  number: number;
  change: number;
  record: { id: string } | null;
}

/** Revisions that were made together, by the record that they belong to. */
export function changesOf<One extends Revision>(revisions: One[]) {
  return [...Map.groupBy(revisions, ({ change }) => change)].map(([change, parts]) => ({
    change,
    first: parts[0]!,
    records: [...Map.groupBy(parts, ({ record, number }) => record?.id ?? String(number)).values()],
  }));
}
