/**
 * Names and keys are data of other people: they pass through here before they enter a picture, a page or a terminal.
 * `visible` takes away what acts without being seen; the escapes of each format stand beside its renderer, the shared ones here.
 */

/** Acts on its surroundings, or is no character at all: controls, line and paragraph separators, direction marks, non-characters, lone surrogates. */
const unseen = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff]|\p{Surrogate}/gu;

/** The same text with every character that acts without being seen replaced by a picture of it (`␊`) or by `�`; never a line break. */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}

/** At most `limit` characters: the start and the end, with `…` between. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const characters = Array.from(text.length > 4 * limit ? text.slice(0, 2 * limit) + text.slice(-2 * limit) : text, (one) => visible(one));
  if (characters.length <= limit) return characters.join('');
  const tail = Math.floor((limit - 1) / 3);
  return `${characters.slice(0, limit - 1 - tail).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

const xmlEntities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
  ['\n', '&#10;'],
]);

/** Text for XML and HTML, between tags or in a quoted attribute. A line break survives; every other control is made visible. */
export function escapeXml(text: string): string {
  return text
    .split('\n')
    .map(visible)
    .join('\n')
    .replace(/[&<>"'\n]/g, (character) => xmlEntities.get(character) ?? '');
}

/** JSON that may also stand inside a `<script>` of a page: nothing in it can close the element or begin a comment. */
export function safeJson(data: unknown): string {
  return JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const narrow = new Set("iljtfrI.,:;'|!()[] `");
const broad = new Set('mwMW@%');

/** About how wide a text is in Helvetica and its kin, in units of the font size. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x1100) width += code >= 0x2e80 ? 1.02 : 0.7;
    else if (narrow.has(character)) width += 0.33;
    else if (broad.has(character)) width += 0.92;
    else if (character >= 'A' && character <= 'Z') width += 0.7;
    else width += 0.57;
  }
  return width;
}

/** `1234567` → `1,234,567`, on every machine alike. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1536` → `1.5 kB`, `64 MiB` as `67.1 MB`: powers of 1000, three digits. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let amount = bytes;
  let unit = 0;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount.toPrecision(3).includes('e') ? Math.round(amount) : Number(amount.toPrecision(3))} ${units[unit]}`;
}

/** Milliseconds for people: `0.42 ms`, `38 ms`, `2.5 s`, `3 min 20 s`. */
export function timeText(milliseconds: number): string {
  if (milliseconds < 1) return `${Number(milliseconds.toPrecision(2))} ms`;
  if (milliseconds < 999.5) return `${milliseconds < 10 ? Number(milliseconds.toPrecision(2)) : Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 99.95) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
