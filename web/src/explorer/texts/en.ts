import { once } from '../once';
import type { RecordType } from '../parts/record-link';

const numbers = once(() => new Intl.NumberFormat('en'));
const count = (value: number, one: string, many: string) => `${numbers().format(value)} ${value === 1 ? one : many}`;

const types: Record<RecordType, { one: string; many: string }> = {
  Actor: { one: 'actor', many: 'actors' },
  Commentary: { one: 'commentary', many: 'commentaries' },
  Division: { one: 'division', many: 'divisions' },
  Event: { one: 'event', many: 'events' },
  Meeting: { one: 'meeting', many: 'meetings' },
  Motion: { one: 'motion', many: 'motions' },
  Position: { one: 'position', many: 'positions' },
  Relation: { one: 'relation', many: 'relations' },
  Source: { one: 'source', many: 'sources' },
  Statement: { one: 'statement', many: 'statements' },
  Topic: { one: 'topic', many: 'topics' },
  Vote: { one: 'vote', many: 'votes' },
};

interface Refusal {
  title: string;
  advice?: string;
}

const refusals: Record<string, Refusal> = {
  OFFLINE: {
    title: 'The server can’t be reached.',
    advice: 'Check your connection. The page tries again by itself when you are online.',
  },
  UNAVAILABLE: { title: 'The database can’t be reached right now.', advice: 'Try again in a moment.' },
  UNAUTHENTICATED: { title: 'This needs a key.', advice: 'Whoever runs this server can give you one.' },
  FORBIDDEN: { title: 'Your key does not allow this.' },
  LIMIT_EXCEEDED: {
    title: 'This would read too much at once.',
    advice: 'Narrow it down: fewer types, a topic, a period.',
  },
  RATE_LIMITED: { title: 'Too many requests.', advice: 'The page tries again by itself in a moment.' },
  TIMEOUT: { title: 'This took too long.', advice: 'Narrow it down, or try again.' },
  BAD_USER_INPUT: { title: 'The address asks for something that the server doesn’t know.' },
  GRAPHQL_VALIDATION_FAILED: { title: 'The server has another version than this page.', advice: 'Reload the page.' },
  INTERNAL: { title: 'Something went wrong.' },
};

/** Words for values of enums that differ from the values' own names. */
const words: Record<string, string> = {
  ABSENT: 'was absent',
  ABSTAIN: 'abstained',
  AGAINST: 'voted against',
  FOR: 'voted for',
  PAIRED: 'paired',
  CO_PARTICIPATION: 'common meeting',
  CREATE: 'entered',
  DELETE: 'deleted',
  EDITED_MACHINE: 'machine translation, corrected',
  HUMAN: 'human translation',
  MACHINE: 'machine translation',
  MERGE: 'merged',
  UPDATE: 'changed',
  MEDIA: 'news medium',
};

/** Names of fields that are not just their words. */
const fields: Record<string, string> = {
  bornOn: 'born',
  diedOn: 'died',
  foundedOn: 'founded',
  dissolvedOn: 'dissolved',
  saidOn: 'said',
  proposedOn: 'proposed',
  publishedOn: 'published',
  parent: 'part of',
  children: 'parts',
  targets: 'about',
  evidenceItems: 'evidence',
  heldFrom: 'held since',
  label: 'name',
  start: 'begins after characters',
  end: 'ends after characters',
  prefix: 'words before',
  suffix: 'words after',
  version: 'version of the text',
  coordinates: 'latitude, longitude',
  coordinatePrecision: 'precision of the coordinates, in metres',
  startsOn: 'starts',
  endsOn: 'ends',
  occurredOn: 'happened',
  endedOn: 'ended',
  heldOn: 'held',
  url: 'web address',
  validFrom: 'since',
  validUntil: 'until',
};

const RELIABILITY: Record<string, string> = {
  A: 'completely reliable',
  B: 'usually reliable',
  C: 'fairly reliable',
  D: 'not usually reliable',
  E: 'unreliable',
  F: 'reliability can’t be judged',
};

const CREDIBILITY: Record<string, string> = {
  1: 'confirmed by others',
  2: 'probably true',
  3: 'possibly true',
  4: 'doubtful',
  5: 'improbable',
  6: 'truth can’t be judged',
};

const gradeMeaning = (grade: string) =>
  [RELIABILITY[grade[0] ?? ''], CREDIBILITY[grade[1] ?? '']].filter(Boolean).join('; ');

interface Corroboration {
  independentSources: number;
  best: string | null;
  disputed: boolean;
}

const t = {
  skip: 'Skip to the content',
  views: 'Views',
  loading: 'Loading…',
  details: 'Details',
  tryAgain: 'Try again',
  reload: 'Reload',
  fault: 'This view failed.',
  faultAdvice: 'Reload the page: it may be older than the server.',
  noSuchPage: 'There is no such page',
  noSuchPageAdvice: 'The address may be mistyped. Search for what you are looking for.',
  toStart: 'To the start page',
  lists: 'Lists',
  ways: 'See also',
  contents: 'On this page',
  deletedRecord: 'deleted record',
  search: 'Search',
  searchHint: 'A name, a topic, a word somebody said…',
  searchFor: (words: string) => `Search for “${words}”`,
  suggestions: 'Suggestions',
  chooseAny: { ACTOR: 'Any actor', TOPIC: 'Any topic' },
  graphql: 'The GraphQL of this view',
  more: 'Show more',
  allToNarrow: 'All of them, to narrow down',
  types,
  refusals,
  /** A value that may be one of an enum, such as `STRONGLY_OPPOSES`. */
  value: (value: string): string => (/^[A-Z_]{2,}$/.test(value) ? t.word(value) : value),
  word: (value: string): string =>
    words[value] ?? (value in RELIABILITY ? t.reliability(value) : value.toLowerCase().replaceAll('_', ' ')),
  countOf: (value: number, type: RecordType) => count(value, types[type].one, types[type].many),

  field: (name: string) =>
    fields[name] ?? name.replace(/[A-Z.]/g, (sign) => (sign === '.' ? ', ' : ` ${sign.toLowerCase()}`)),
  searchFound: (value: number, query: string) => `${count(value, 'record', 'records')} for “${query}”`,
  searchNothing: 'Nothing found. Fewer or other words may find more; misspelt names are found too.',
  searchTypes: 'Types of records',
  all: 'All',
  facets: 'Narrow down',
  options: 'Choose what is shown',
  within: 'Topic and what it contains',
  noneYet: 'There are none yet.',
  noRecord: 'No such record',
  noRecordAdvice: (slug: string) =>
    `Nothing is filed under “${slug}”, at least not at this moment. It may have been deleted or renamed.`,
  edit: 'Edit',
  undo: 'Undo',
  history: 'History',
  revisions: 'Every change',
  entered: (moment: string) => `Entered ${moment}`,
  changed: (moment: string) => `last changed ${moment}`,
  unknownSpeaker: 'Speaker unknown',
  unknownDate: 'date unknown',
  onBehalfOf: 'on behalf of',
  accordingTo: 'according to',
  partOf: 'part of',
  otherNames: 'Other names',
  further: 'Languages and origins',
  exactTo: (metres: number) => `(to within ${numbers().format(metres)} m)`,
  citations: 'Citations',
  orphaned: 'These words are not in the newest version of the text.',
  gradeMeaning: (grade: string) => gradeMeaning(grade),
  reliability: (letter: string) => `${letter}: ${RELIABILITY[letter] ?? ''}`,
  confidence: (level: string) => `confidence ${level}`,
  killed: (value: number) => `${numbers().format(value)} killed`,
  injured: (value: number) => `${numbers().format(value)} injured`,
  corroboration: 'sources',
  corroborated: ({ independentSources, best, disputed }: Corroboration) =>
    [
      count(independentSources, 'independent source', 'independent sources'),
      best && `best grade ${best}`,
      disputed && 'disputed',
    ]
      .filter(Boolean)
      .join(', '),
  readSource: 'Read the source beside what cites it',
  text: 'Text',
  coverage: (cited: number, passages: number) =>
    `${numbers().format(cited)} of ${numbers().format(passages)} passages are cited`,
  evidence: { SUPPORTS: 'Evidence for it', CONTRADICTS: 'Evidence against it' },
  participants: 'Participants',
  positions: 'Positions',
  positionsOn: 'Positions that rest on it',
  statements: 'Statements',
  statementsOnBehalf: 'Statements on behalf of this actor',
  statementsAddressed: 'Statements addressed to this actor',
  replies: 'Replies to it',
  repliesTo: 'It replies to',
  repeats: 'The same, said elsewhere',
  contradicts: 'In contradiction with it',
  meetings: 'Meetings',
  meetingsHeld: 'Meetings held here',
  meetingsWithin: 'Meetings held on it',
  relations: 'Relations',
  events: 'Events',
  eventsWithin: 'Parts of it',
  votes: 'Votes',
  motions: 'Motions',
  divisions: 'Divisions',
  commentaries: 'What analysts make of it',
  commentariesAuthored: 'Commentaries by this author',
  commentariesIn: 'Commentaries in it',
  sources: 'Sources by it',

  signIn: 'Sign in',
  signInWhy: 'With an editor’s key you can enter and change records.',
  signOut: 'Sign out',
  signedIn: (name: string, role: string) => `${name}, ${role}`,
  key: 'Key',
  keyKept: 'The key is kept until you close this tab.',
  roles: { ANONYMOUS: 'not signed in', READER: 'reader', EDITOR: 'editor', ADMIN: 'administrator' },

  asOf: {
    now: 'As of now',
    shown: (moment: string) => `As of ${moment}`,
    atRevision: (revision: number) => `revision ${numbers().format(revision)}`,
    note: (moment: string) => `You see the base as it stood: ${moment}.`,
    back: 'Back to now',
    day: 'Day',
    revision: (revision: number) => `Revision ${numbers().format(revision)}`,
    explained: 'Every change is recorded. Choose a day or a revision to see the base as it stood then.',
  },

  reader: {
    noText: 'This source has no text here: its citations are listed by locator.',
    needsKey: 'The whole text needs a key. What is cited is shown.',
    nothing: 'Nothing cites this source yet.',
    gaps: 'Underline what supports nothing yet',
    claims: 'What cites this',
    cite: 'Marked words',
    citeIn: (type: string) => `Cite in a new ${type}`,
  },

  offline:
    'The server can’t be reached. What you see may be out of date; what you missed is loaded as soon as it is back.',
  changes: {
    name: 'Changes',
    explained: 'Every change, newest first. New ones appear as they are made.',
    isLive: 'Live',
    isNot: 'Connecting…',
    all: 'All changes',
    what: 'What changed',
    operation: 'Kind of change',
    since: 'Since',
  },

  edited: {
    enter: 'Enter a record',
    title: (type: string) => `Edit this ${type}`,
    newTitle: (type: string) => `New ${type}`,
    needsEditor: 'Changes need the key of an editor.',
    save: 'Save',
    cancel: 'Cancel',
    saved: (revision: number) => `Saved as revision ${numbers().format(revision)}.`,
    failed: 'It was not saved. What is wrong is said at the fields below.',
    nothing: 'Nothing was changed.',
    add: 'Add',
    remove: (name: string) => `Remove ${name}`,
    choose: 'Type a name to choose…',
    chooseThere: 'Begin on its page, which leads here:',
    delete: (type: string) => `Delete this ${type}…`,
    deletes: 'Delete',
    goesToo: (lists: string[]) => `What it lists goes with it: ${lists.join(', ')}. The records named there stay.`,
    goesAlone: 'Nothing else goes with it.',
    deletionStays: 'Its history stays, and you can undo this. A record that others refer to can’t be deleted.',
    inUse: 'Change or delete those first.',
    confirm: 'Delete',
    keep: 'Keep it',
    deleted: (revision: number) => `It was deleted, as revision ${numbers().format(revision)}.`,
    none: 'not stated',
    notStated: (name: string) => `${name}: not stated`,
    further: 'Languages, translations, origins and address',
    words: 'Words and position',
    required: 'required',
    hints: {
      date: '2026, 2026-02 or 2026-02-19: as exact as it is known',
      slug: 'The last part of its address: lower-case words joined by hyphens',
      language: 'A language tag: en, kk, zh-Hant',
      script: 'A script code: Latn, Cyrl',
      currency: 'A currency code: USD',
    },
    quoteHint: 'Only for words as they were said',
    conflict: 'Someone else changed this record while you were at it.',
    conflictAdvice: 'Choose for each field that both of you changed. Then save again.',
    yours: 'Yours',
    theirs: 'Theirs',
    use: 'Use',
  },

  start: {
    tagline: 'Who met whom, who said what, where they stand, and what analysts make of it.',
    explained:
      'A knowledge base on politics, where every entry names the passage of the source that says so. Search it, or begin with a question.',
    questions: 'Questions to begin with',
    whoStandsWhere: 'Who stands where on',
    whatDidSay: 'What is known about',
    whoTookPart: 'Who took part in',
    howTied: 'How are these two connected:',
    glance: 'In this base',
    changes: 'Changed last',
    noChanges: 'Nothing was entered yet.',
    changedBy: (requester: string) => `by ${requester}`,
    andMore: (count: number) => `and ${numbers().format(count)} more`,
    about: (count: string) => `about ${count}`,
  },

  leaveOut: (name: string) => `Leave out ${name}`,
  stands: {
    title: 'Who stands where',
    explained:
      'The latest stance of each actor on each topic that evidence supports. Choose a sign for its evidence, a topic for how stances on it changed.',
    topics: 'Topics',
    holders: 'Actors',
    scale: 'Stances',
    none: 'No positions are known here.',
    evidence: 'Stances and their evidence',
    votes: 'Votes on it',
    said: 'What was said on it',
    overTime: 'Over time',
    overTimeExplained:
      'A sign stands in the year since which a stance is known; the line goes on until another is known.',
    disagreements: 'Who disagrees most',
    noDisagreements: 'No two actors are known to be opposed here.',
    saidAndVoted: 'Said one thing, voted another',
    saidAndVotedExplained: 'A motion on a topic may want the opposite of it: read both.',
    saidFor: 'Said for, voted against',
    saidAgainst: 'Said against, voted for',
    nobodyVotedOtherwise: 'Nobody is known to have done so.',
  },

  partialDate: '2026-02',
  timeline: {
    title: 'Timeline',
    explained:
      'Meetings, statements, events and what analysts wrote. A bar is as long as the date is uncertain within its year.',
    actor: 'Actor',
    topic: 'Topic',
    types: 'What',
    from: 'From',
    until: 'Until',
    unknown: 'Date unknown',
    entries: (value: number) => count(value, 'entry', 'entries'),
  },

  network: {
    name: 'Network',
    title: 'Who is tied to whom',
    explained: 'Relations, common meetings, what was said to whom and what was done to whom, each with what shows it.',
    around: 'Around',
    from: 'Path from',
    to: 'Path to',
    kinds: 'Kinds of ties',
    least: (weight: number) => `Weight at least ${weight}`,
    depth: 'Reach',
    depths: { 1: 'direct ties', 2: 'two steps', 3: 'three steps' },
    tiesOfEach: 'Ties of each actor',
    strongest: { 3: 'the 3 strongest', 10: 'the 10 strongest', 25: 'the 25 strongest', all: 'all' },
    shown: (shown: number, size: number) => `${numbers().format(shown)} of ${count(size, 'actor', 'actors')}`,
    showMore: (most: number) => `Show ${numbers().format(most)}`,
    begin: 'Choose an actor, or begin with one of those who say most',
    none: 'No ties are known here.',
    picture: (actors: number, ties: number) =>
      `${count(actors, 'actor', 'actors')} and ${count(ties, 'tie', 'ties')}. The table below has the same.`,
    keys: 'Drag or use the arrow keys to move, + and − to zoom, 0 to see all. Choose an actor to expand it.',
    save: 'Save as',
    expand: 'Expand',
    collapse: 'Collapse',
    expandOf: (name: string) => `Expand ${name}`,
    collapseOf: (name: string) => `Collapse ${name}`,
    close: 'Close',
    paths: 'The shortest paths',
    noPaths: 'No path of four steps or fewer is known.',
    ties: 'Ties',
    columns: ['From', 'Kind', 'To', 'Weight', 'Shown by'],
  },

  numbers: {
    name: 'Numbers',
    title: 'How much, and when',
    explained:
      'Records counted over time. The lighter part of a bar may belong to other periods, as its dates are known less exactly. A number leads to the records that it counts.',
    of: 'Count',
    types: { statements: 'statements', meetings: 'meetings', events: 'events' },
    by: 'By',
    dimensions: {
      statements: { actor: 'speaker', topic: 'topic', kind: 'what is done by it' },
      meetings: { actor: 'participant', topic: 'agenda', kind: 'mode' },
      events: { actor: 'who did it', topic: '', kind: 'what was done' },
    },
    step: 'Each',
    steps: { year: 'year', quarter: 'quarter', month: 'month' },
    cut: 'There are too many numbers for one table: the smallest are left out. Choose a shorter period.',
    ofThem: (possible: number) => `of which ${numbers().format(possible)} may belong to other periods`,
  },
};

export type Texts = typeof t;
export default t;
