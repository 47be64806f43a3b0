/** The task of the no-op cases, for piscina and tinypool: a module's default export. */
export default (value) => value;
