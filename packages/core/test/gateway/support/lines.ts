import { readSubscribed, type ServerFrame } from '@hexbus/core/wire';

/** A frame of a server as a short text without what is random: positions stand for cursors. */
export function lineOf(frame: ServerFrame): string {
  switch (frame.kind) {
    case 'event':
      return messageOf(frame);
    case 'event-for':
      return `[${frame.subs}] ${messageOf(frame)}`;
    case 'delivery':
      return `DELIVERY ${frame.id} to ${frame.sub}: ${messageOf(frame)}`;
    case 'gap': {
      const { subs, topics, from, to, why } = frame.gap;
      const range = from === undefined ? '' : ` ${from}-${to}`;
      return `GAP ${why}${subs === undefined ? '' : ` [${subs}]`}${topics === undefined ? '' : ` ${topics}`}${range}`;
    }
    case 'reply': {
      const { id, reply } = frame;
      if (!reply.ok) return `ERROR ${id} ${reply.error.code}`;
      const { start, head } = readSubscribed(reply.body);
      if (start === undefined) return `RESULT ${id} ${JSON.stringify(reply.body)}`;
      return `RESULT ${id} ${positionOf(start)} of ${positionOf(head)}`;
    }
    case 'request':
      return `REQUEST ${frame.id} ${frame.name} ${JSON.stringify(frame.body)}`;
    case 'notification':
      return `NOTIFICATION ${frame.name} ${JSON.stringify(frame.body)}`;
    case 'cancel':
      return `CANCEL ${frame.id}`;
    case 'bye':
      return `BYE ${frame.bye.code}`;
    default:
      return frame.kind.toUpperCase();
  }
}

function messageOf(frame: Extract<ServerFrame, { kind: 'event' | 'event-for' | 'delivery' }>): string {
  const { topic, type, body } = frame.message;
  const at = frame.kind === 'delivery' ? undefined : positionOf(frame.cursor);
  const name = type === undefined ? '' : ` ${type}`;
  return `${topic}${at === undefined ? '' : `#${at}`}${name} ${JSON.stringify(body)}`;
}

function positionOf(cursor: string | undefined): string | undefined {
  return cursor?.slice(cursor.indexOf('.') + 1);
}
