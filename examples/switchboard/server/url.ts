/** The path and query of a request, or undefined when it asks for something that is none. */
export function urlOf(url: string | undefined): URL | undefined {
  const base = 'http://localhost';
  return url !== undefined && URL.canParse(url, base) ? new URL(url, base) : undefined;
}
