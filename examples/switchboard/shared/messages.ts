/** Everything that the server and its pages say to each other. */

/** Topics that pages may follow, with the bodies of their messages. */
export interface FollowedTopics {
  /** How things stand; each message replaces the one before. */
  'board.people': PeopleBoard;
  /** What happened in one second. */
  'board.second': SecondOfTraffic;
  /** How many of them come in a second; each message replaces the one before. */
  'board.pulse': PulseRate;
  /** Counts up, and the history keeps it. */
  'pulse.kept': Pulse;
  /** The same numbers on a topic that is not retained. */
  'pulse.fleeting': Pulse;
}

/** What is posted to users. */
export interface Addresses {
  [address: `@user.${string}`]: Note;
}

export interface PeopleBoard {
  readonly people: readonly Person[];
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly tabs: readonly TabState[];
  /** The first of what was posted to her and handled by none of her tabs yet, oldest first. */
  readonly waiting: readonly WaitingNote[];
  readonly waitingCount: number;
}

/** How many of the notes that wait are counted, and how many of them listed. */
export const waitingShown = { counted: 200, listed: 5 } as const;

export interface TabState {
  readonly session: string;
  readonly transport: string;
  readonly capabilities: readonly string[];
  /** `closed`: by its user. Until its session expires it may come back, as `cut` ones do. */
  readonly state: 'connected' | 'cut' | 'closed';
  /** How many pulses it has not handled yet; undefined until it has told, and when it is closed. */
  readonly behind?: number;
}

export interface WaitingNote {
  readonly position: number;
  readonly text: string;
  readonly from: string;
}

export interface PulseRate {
  readonly perSecond: number;
}

export interface Pulse {
  readonly number: number;
}

export interface SecondOfTraffic {
  /** Milliseconds since 1970 at its end. */
  readonly at: number;
  readonly messages: number;
  /** Of the tab that is furthest behind. */
  readonly behind: number;
  readonly outcomes: Readonly<Record<OutcomeStatus, number>>;
}

export type OutcomeStatus = 'success' | 'timeout' | 'error';

/** Types of messages that are posted to addresses. */
export const noteType = 'Note';
export const orderStepType = 'OrderStepCalculated';

export interface Note {
  readonly text: string;
}

export interface OrderStep {
  readonly step: number;
}

/** The name under which the server asks a page. */
export const questionName = 'question';

export interface Question {
  readonly from: string;
  readonly text: string;
}

export type PostTarget = { readonly all: true } | { readonly user: string } | { readonly session: string };

/** What pages ask of the server: name, question and answer. */
export interface Requests {
  post: { ask: { target: PostTarget; text: string }; answer: { receivers: number; position: number | null } };
  ask: { ask: { session: string; text: string; timeoutMs: number }; answer: AskOutcome };
  /** Order steps, posted to the session that asks. */
  orderSteps: { ask: { count: number }; answer: { count: number } };
  /** Cuts the cables of the tab that asks. */
  cut: { ask: { forMs: number }; answer: { forMs: number } };
  setPulse: { ask: PulseRate; answer: PulseRate };
  /** The last pulse that the tab has handled. */
  report: { ask: { pulse: number }; answer: null };
}

/** How a question to a tab ended, in words for the page. */
export interface AskOutcome {
  readonly status: OutcomeStatus;
  /** The answer, or the code of the error. */
  readonly text: string;
  readonly tookMs: number;
}

/** The parameter of the gateway's address by which a tab names its cable. */
export const cableParameter = 'cable';
