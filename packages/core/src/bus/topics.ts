import type { Message } from '../message.ts';

/** Topics and the types of their bodies. An interface or a type; without one every topic is allowed and bodies are `unknown`. */
export type EventMap = object;

export type TopicOf<Events extends EventMap> = keyof Events & string;

type AnyPattern = '>' | '*' | `${string}.*` | `*.${string}` | `${string}.*.${string}` | `${string}.>`;

/** A topic of the event map, or a pattern. */
export type FilterEntry<Events extends EventMap> = TopicOf<Events> | AnyPattern;

type TokensMatch<Pattern extends string, Topic extends string> = Pattern extends '>'
  ? true
  : Pattern extends `${infer Want}.${infer MoreWanted}`
    ? Topic extends `${infer Token}.${infer MoreTokens}`
      ? Want extends '*' | Token
        ? TokensMatch<MoreWanted, MoreTokens>
        : false
      : false
    : Topic extends `${string}.${string}`
      ? false
      : Pattern extends '*' | Topic
        ? true
        : false;

/** A wildcard in the first place passes topics by that begin with `@`. */
type PatternMatches<Pattern extends string, Topic extends string> = Topic extends `@${string}`
  ? Pattern extends '>' | '*' | `*.${string}`
    ? false
    : TokensMatch<Pattern, Topic>
  : TokensMatch<Pattern, Topic>;

type MatchingTopic<Events extends EventMap, Entry extends string> = {
  [Topic in TopicOf<Events>]: Entry extends Topic ? Topic : PatternMatches<Entry, Topic> extends true ? Topic : never;
}[TopicOf<Events>];

type MessageOfTopic<Events extends EventMap, Topic extends TopicOf<Events>> =
  Topic extends TopicOf<Events> ? Message<Events[Topic], Topic> : never;

/** The messages that a topic or pattern can bring: a union told apart by `topic`. `Message` where the event map knows none. */
export type MessageFor<Events extends EventMap, Entry extends string> =
  string extends TopicOf<Events>
    ? Message
    : [MatchingTopic<Events, Entry>] extends [never]
      ? Message
      : MessageOfTopic<Events, MatchingTopic<Events, Entry>>;
