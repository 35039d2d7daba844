/** Whom a message is for. */
export type Target =
  | { readonly all: true }
  | { readonly user: string }
  | { readonly session: string }
  | { readonly connection: string };
