/** What `value.get()` and `value.call()` run on a worker. This module is loaded there by its path, so it imports nothing. */

/** A property or element. */
export function get(object: unknown, prop: PropertyKey): unknown {
  if (object === undefined || object === null)
    throw new TypeError(`get(${JSON.stringify(String(prop))}): the result is ${object}, which has no properties`);
  return (object as Readonly<Record<PropertyKey, unknown>>)[prop];
}

/** What a method returns. */
export function callMethod(object: unknown, method: PropertyKey, ...args: readonly unknown[]): unknown {
  const found: unknown = object === undefined || object === null ? undefined : (object as Readonly<Record<PropertyKey, unknown>>)[method];
  if (typeof found !== 'function')
    throw new TypeError(`call(${JSON.stringify(String(method))}): the result has no such method (it is ${kindOf(object)})`);
  return Reflect.apply(found, object, args);
}

function kindOf(object: unknown): string {
  return object === null || object === undefined ? String(object) : Object.prototype.toString.call(object).slice(8, -1);
}
