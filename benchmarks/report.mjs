/** Results as text for a terminal, or as Markdown. */

const headers = ['', 'median', 'least–most', 'unit', 'ratio', 'CPU', 'peak memory'];

export function machineAsText({ date, processor, system, peers }) {
  return `${date}  ${processor}\n${system}\n${peers.join(', ')}`;
}

export function machineAsMarkdown({ date, processor, system, peers }) {
  return `${date}, ${processor}, ${system}; ${peers.join(', ')}.`;
}

export function asText({ title, unit, note, rows, marks }) {
  const table = [headers.map((header) => (header === 'unit' ? unit : header)), ...rows.map(cells)];
  const widths = headers.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...lines.map((line) => `  ${line}`), ...footnotes(note, rows, marks).map((line) => `  ${line}`)].join('\n');
}

export function asMarkdown({ title, unit, note, rows, marks }) {
  const line = (row) => `| ${row.join(' | ')} |`;
  const table = [
    line(headers.map((header) => (header === 'unit' ? unit : header))),
    line(headers.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(cells(row))),
  ];
  return [`**${title}**`, '', ...table, '', ...footnotes(note, rows, marks).map((text) => `${text}  `)].join('\n').trimEnd();
}

function cells(row) {
  const name = row.part === '' ? row.contestant : `${row.contestant}, ${row.part}`;
  if (row.median === undefined) return [name, '–', '–', '–', '–', '–', '–'];
  return [
    name,
    time(row.median),
    `${time(row.least)}–${time(row.most)}`,
    number(row.perUnit),
    row.ratio === undefined ? '–' : `${number(row.ratio)}×`,
    row.cpuMs === undefined ? '–' : time(row.cpuMs),
    `${(row.peakBytes / 1024 ** 2).toFixed(0)} MiB`,
  ];
}

function footnotes(note, rows, marks) {
  const failures = new Map(rows.filter((row) => row.failure !== undefined).map((row) => [row.contestant, row.failure]));
  return [
    ...[...failures].map(([contestant, failure]) => `${contestant} failed: ${failure}`),
    ...(note === undefined ? [] : [note]),
    ...marks.map(({ text, value, isReached }) => `mark: ${text}: ${value}, ${isReached ? 'reached' : 'NOT reached'}`),
  ];
}

function time(ms) {
  return ms >= 1000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`;
}

/** Three figures that count. */
function number(n) {
  if (n >= 100) return n.toFixed(0);
  return n >= 10 ? n.toFixed(1) : n.toFixed(2);
}
