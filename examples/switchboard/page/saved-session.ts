import type { SessionStore } from '@hexbus/client';

/** Keeps the session of this browser tab over reloads. Another user in the same tab has one of her own. */
export function savedSession(user: string): SessionStore {
  const key = `switchboard.session.${user}`;
  return {
    load: () => JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined,
    save: (session) => {
      if (session === undefined) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(session));
    },
  };
}
