/** The folder of the built package, from which workers load what they need; the same for a file in it and for the sources beside it. */
export const builtRoot: URL = new URL(/^.*\/dist\/(?=.*\.js$)/.exec(import.meta.url)?.[0] ?? new URL('../dist/', import.meta.url).href);
