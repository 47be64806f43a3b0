import { fileURLToPath } from 'node:url';
import { mapPlace } from '../graph/index.ts';
import { builtRoot } from './built-root.ts';

const frame = /((?:file:\/\/|\/|[A-Za-z]:[\\/])[^\s()]*?)(\?heddle)?:(\d+):(\d+)/g;

/**
 * On the host: gives the places in a stack from a worker as the user wrote them. Frames of restored functions carry a mark where their text was
 * transpiled; other frames of a loader's worker are mapped there already, so that only files with a map to another file are left.
 */
export function mapStack(stack: string): string {
  // heddle's own frames go first: mapped to their sources they would look like the user's
  return withoutOwn(stack).replace(frame, (whole, url: string, mark: string | undefined, line: string, column: string) => {
    const place = mapPlace(url, { line: Number(line) - 1, column: Number(column) - 1 }, mark !== undefined);
    if (place !== undefined) return `${place.file}:${place.line}:${place.column}`;
    return mark === undefined ? whole : `${url}:${line}:${column}`;
  });
}

const ownRoot = builtRoot.href;
const ownPath = fileURLToPath(ownRoot);

/** The frames below the user's code are heddle's own, and Node's below those. */
function withoutOwn(stack: string): string {
  const lines = stack.split('\n');
  let end = lines.length;
  while (end > 0 && isFrame(lines[end - 1] as string) && isOurs(lines[end - 1] as string)) end--;
  // an error that heddle itself threw keeps its stack
  const cut = lines.slice(0, end);
  return cut.some(isFrame) ? cut.join('\n') : stack;
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

function isOurs(line: string): boolean {
  return line.includes(ownRoot) || line.includes(ownPath) || /\(?node:(?:internal|events|async_hooks)/.test(line);
}
