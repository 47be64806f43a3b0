const secretName = /signature|token|credential|secret|password|passwd|^sig$|key$|^auth/i;

/** A URL for messages: values of query parameters that look like secrets (signed URLs have them) are hidden. */
export function shownUrl(url: string): string {
  const query = url.indexOf('?');
  if (query < 0) return url;
  const masked = url.slice(query + 1).replace(/([^&=#]+)=([^&#]*)/g, (pair, name: string) => (secretName.test(name) ? `${name}=…` : pair));
  return `${url.slice(0, query)}?${masked}`;
}
