import {
  QueryClient,
  keepPreviousData,
  useInfiniteQuery,
  useMutation as useTanStackMutation,
  useQuery as useTanStackQuery,
} from '@tanstack/react-query';
import type { Document } from './document';
import { type Read, Refusal, request } from './request';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: Refusal;
  }
}

/** Refusals that a second try may not meet. */
export const PASSING = new Set(['OFFLINE', 'UNAVAILABLE', 'TIMEOUT', 'TOO_SLOW', 'RATE_LIMITED']);

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (attempts, error) => PASSING.has(error.code) && attempts < 3,
      retryDelay: (attempts, error) => (error.retryAfter ?? 0) * 1000 || 500 * 2 ** attempts,
      staleTime: 10_000,
    },
  },
});

interface Options<Data = unknown> {
  enabled?: boolean;
  /** Whether the last answer stays while that to new variables is on its way. */
  keep?: boolean;
  /** Whether what did not change since the last answer stays the same objects. */
  isCompared?: boolean;
  /** How the answer is read, if not as JSON. */
  read?: Read<Data>;
}

/** What a document gives: loaded, kept, and loaded again when records change. */
export const useQuery = <Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
  { enabled = true, keep = false, isCompared = true, read }: Options<Data> = {},
) =>
  useTanStackQuery({
    queryKey: [document, variables],
    queryFn: ({ signal }) => request(document, variables, signal, read),
    enabled,
    structuralSharing: isCompared,
    ...(keep && { placeholderData: keepPreviousData }),
  });

export interface Page {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** The pages of a connection, which `page` finds in what the document gives. */
export const usePages = <Data, Variables extends { after?: string | null | undefined }>(
  document: Document<Data, Variables>,
  variables: Variables,
  page: (data: Data) => Page | null | undefined,
  { enabled = true, keep = false }: Options = {},
) =>
  useInfiniteQuery({
    queryKey: [document, variables, 'pages'],
    queryFn: ({ signal, pageParam }) => request(document, { ...variables, after: pageParam }, signal),
    initialPageParam: variables.after ?? null,
    getNextPageParam: (last) => {
      const info = page(last)?.pageInfo;
      return info?.hasNextPage ? info.endCursor : undefined;
    },
    enabled,
    // To compare all pages with those before takes longer than to draw the few entries in sight.
    structuralSharing: false,
    ...(keep && { placeholderData: keepPreviousData }),
  });

/** A change of records; afterwards what is shown is loaded again. */
export const useMutation = <Data, Variables>(document: Document<Data, Variables>) =>
  useTanStackMutation<Data, Refusal, Variables>({
    mutationFn: (variables) => request(document, variables),
    onSuccess: () => queries.invalidateQueries(),
  });
