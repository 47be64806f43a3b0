import { moduleOf, registerStorage, storageFor, UnknownSchemeError } from '../../../src/storage/registry.ts';
import type { Storage } from '../../../src/storage/storage.ts';

const fake = (schemes: unknown, rest: Record<string, unknown> = {}): Storage =>
  ({ schemes, module: 'file:///a/storage.mjs', list: () => undefined, read: () => undefined, ...rest }) as unknown as Storage;

describe('the registry of storages', () => {
  it('knows local files', () => {
    expect(storageFor('file').schemes).toEqual(['file']);
    expect(moduleOf(storageFor('file'))).toBe('src/storage/file.js');
  });

  it('adds a storage for all its schemes', () => {
    const storage = fake(['one', 'two']);
    registerStorage(storage);
    expect([storageFor('one'), storageFor('two')]).toEqual([storage, storage]);
    expect(moduleOf(storage)).toBe('file:///a/storage.mjs');
  });

  it('refuses a scheme that is taken, and then adds none of the others', () => {
    registerStorage(fake(['three']));
    expect(() => registerStorage(fake(['four', 'three']))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('"three:" has a storage already') }),
    );
    expect(() => registerStorage(fake(['file']))).toThrow(/"file:" has a storage already/);
    expect(() => storageFor('four')).toThrow(UnknownSchemeError);
  });

  it('names the known schemes, and says which come later', () => {
    expect(() => storageFor('ftp')).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_SCHEME',
        message: expect.stringMatching(/no storage for "ftp:" \(known: file.*; to come: s3, http.*registerStorage/),
      }),
    );
    expect(() => storageFor('s3')).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_SCHEME',
        message: expect.stringMatching(/heddle does not read s3: yet, it comes in a later version/),
      }),
    );
    expect(() => storageFor('constructor')).toThrow(UnknownSchemeError);
  });

  it('takes a module as a URL, a URL object, an absolute path or a package', () => {
    const modules = [new URL('file:///a/b.mjs'), '/a/b.mjs', 'data:text/javascript,', 'my-storage'];
    expect(
      modules.map((module, i) => {
        const storage = fake([`module${i}`], { module });
        registerStorage(storage);
        return moduleOf(storage);
      }),
    ).toEqual(['file:///a/b.mjs', 'file:///a/b.mjs', 'data:text/javascript,', 'my-storage']);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /got undefined/],
    [{}, /schemes must be a list/],
    [fake([]), /at least one scheme/],
    [fake(['Upper']), /lower-case/],
    [fake(['c']), /two or more/],
    [fake(['with:']), /without a colon/],
    [fake([1]), /it is 1/],
    [fake(['okay'], { read: undefined }), /read must be a function/],
    [fake(['okay'], { list: 1 }), /list must be a function/],
    [fake(['okay'], { module: undefined }), /import\.meta\.url/],
    [fake(['okay'], { module: './storage.mjs' }), /new URL\("\.\/storage\.mjs", import\.meta\.url\)/],
  ])('refuses %p', (storage, message) => {
    expect(() => registerStorage(storage as Storage)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) }),
    );
  });
});
