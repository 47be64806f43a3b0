/**
 * A strict reader of the drawings: it knows the few elements and attributes that they may have, and throws at everything else.
 * A name that managed to become markup would be an element or attribute it does not know.
 */

const allowed: Readonly<Record<string, readonly string[]>> = {
  svg: ['xmlns', 'width', 'height', 'viewBox', 'font-family', 'text-anchor', 'role', 'aria-label'],
  defs: [],
  marker: ['id', 'viewBox', 'refX', 'refY', 'markerWidth', 'markerHeight', 'markerUnits', 'orient'],
  g: ['fill', 'stroke', 'stroke-width', 'stroke-linecap', 'data-node'],
  path: ['d', 'fill', 'data-from', 'data-to', 'marker-end', 'stroke-width'],
  rect: ['x', 'y', 'width', 'height', 'rx', 'fill', 'stroke', 'stroke-width'],
  text: ['x', 'y', 'font-size', 'font-weight', 'fill', 'fill-opacity', 'text-anchor', 'textLength', 'lengthAdjust'],
  title: [],
};

/** An element with its attributes, in the order of the text. */
export interface ReadElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly parent: ReadElement | undefined;
  text: string;
}

/** Every element of an SVG that keeps to the rules. */
export function readSvg(svg: string): ReadElement[] {
  const elements: ReadElement[] = [];
  const open: ReadElement[] = [];
  let at = 0;
  while (at < svg.length) {
    const next = svg.indexOf('<', at);
    const text = svg.slice(at, next < 0 ? undefined : next);
    const inside = open.at(-1);
    if (inside !== undefined) inside.text += unescapeXml(text);
    else if (text.trim() !== '') throw new Error(`text outside of the drawing: ${text}`);
    if (next < 0) break;
    const tag = /^<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<>]*")*)(\/?)>/.exec(svg.slice(next, next + 4000));
    if (tag === null) throw new Error(`no tag: ${svg.slice(next, next + 80)}`);
    const [whole, isEnd, name, attributeText, isEmpty] = tag as unknown as [string, string, string, string, string];
    at = next + whole.length;
    if (isEnd !== '') {
      if (open.pop()?.name !== name) throw new Error(`unbalanced </${name}>`);
      continue;
    }
    const known = allowed[name];
    if (known === undefined) throw new Error(`element <${name}> has no business here`);
    const attributes = new Map<string, string>();
    for (const [, attribute, value] of attributeText.matchAll(/ ([a-zA-Z-]+)="([^"]*)"/g) as IterableIterator<[string, string, string]>) {
      if (!known.includes(attribute)) throw new Error(`attribute ${attribute} of <${name}> has no business here`);
      if (attributes.has(attribute)) throw new Error(`attribute ${attribute} twice`);
      attributes.set(attribute, unescapeXml(value));
    }
    const element: ReadElement = { name, attributes, parent: inside, text: '' };
    elements.push(element);
    if (isEmpty === '') open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is not closed`);
  return elements;
}

/** The labels and arrows of a drawing. */
export function readDrawing(svg: string): { labels: [string, string][]; edges: number; titles: string[] } {
  const elements = readSvg(svg);
  const labels = new Map<string, string[]>();
  const titles: string[] = [];
  for (const element of elements) {
    const node = element.parent?.attributes.get('data-node');
    if (node === undefined) continue;
    if (element.name === 'text') labels.set(node, [...(labels.get(node) ?? []), element.text]);
    if (element.name === 'title') titles.push(element.text);
  }
  return {
    labels: [...labels.values()].map((lines) => [lines[0] ?? '', lines[1] ?? '']),
    edges: elements.filter((element) => element.attributes.has('data-from')).length,
    titles,
  };
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** Text with its entities replaced; one that is unknown, and a control, is an error. */
export function unescapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (/[\u0000-\u0009\u000b-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(text)) throw new Error(`a control in ${JSON.stringify(text)}`);
  return text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const numeric = /^#(?:(\d+)|x([0-9a-fA-F]+))$/.exec(name);
    if (whole.endsWith(';') && numeric)
      return String.fromCodePoint(numeric[1] === undefined ? Number.parseInt(numeric[2] ?? '', 16) : Number(numeric[1]));
    const found = whole.endsWith(';') ? entities[name] : undefined;
    if (found === undefined) throw new Error(`a bare & in ${JSON.stringify(text)}`);
    return found;
  });
}
