/** A document of the page, known to the server by its hash, with the types of what it gives and takes. */
export interface Document<Data, Variables> {
  hash: string;
  name: string;
  operation: 'query' | 'mutation' | 'subscription';
  /** The text of a subscription. */
  text?: string;
  types?: (variables: Variables) => Data;
}

type AnyDocument = Document<never, never>;

/** The text of a document, which is loaded only where it is needed. */
export async function textOf({ hash }: Pick<AnyDocument, 'hash'>): Promise<string> {
  const { default: manifest } = await import('./documents.json');
  return (manifest as Record<string, string>)[hash] ?? '';
}
