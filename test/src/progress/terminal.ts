/** A terminal as far as bars use one: rows of text, a cursor, and the four sequences for moving and erasing. Anything else is an error. */
export class FakeTerminal {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows: string[] = [''];
  writes = 0;
  #row = 0;
  #column = 0;

  constructor(columns = 80) {
    this.columns = columns;
  }

  write(text: string): boolean {
    this.writes += 1;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is how terminals are told
    for (const [part] of text.matchAll(/\x1b\[(\d*)([A-Za-z])|[\s\S]/gu)) this.#take(part);
    return true;
  }

  #take(part: string): void {
    if (part === '\n') {
      this.#row += 1;
      this.#column = 0;
      while (this.rows.length <= this.#row) this.rows.push('');
    } else if (part === '\r') this.#column = 0;
    else if (part === '\x1b[K') this.rows[this.#row] = (this.rows[this.#row] ?? '').slice(0, this.#column);
    else if (part === '\x1b[J') {
      this.rows[this.#row] = (this.rows[this.#row] ?? '').slice(0, this.#column);
      this.rows.length = this.#row + 1;
    } else if (part.startsWith('\x1b[') && part.endsWith('A')) this.#row = Math.max(0, this.#row - Number(part.slice(2, -1)));
    else if (part.startsWith('\x1b[') && part.endsWith('m')) return;
    else if (part < ' ') throw new Error(`the terminal does not know ${JSON.stringify(part)}`);
    else {
      const row = this.rows[this.#row] ?? '';
      this.rows[this.#row] = row.slice(0, this.#column).padEnd(this.#column) + part + row.slice(this.#column + 1);
      this.#column += 1;
      if (this.#column >= this.columns) throw new Error('the line reached the last column');
    }
  }
}
