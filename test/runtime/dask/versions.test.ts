import { serialize } from 'node:v8';
import { checkNodeVersions, checkPythonVersions } from '../../../runtime/dask/versions.ts';

const good = { python: '3.11.7.final.0', dask: '2026.1.0', distributed: '2026.1.0', msgpack: '1.1.0' };
const form = String(serialize(0)[1]);

describe('versions of a cluster', () => {
  it('may differ where it does not matter', () => {
    const patch = { ...good, python: '3.11.9.final.0', msgpack: '1.2.0', tornado: '6' };
    checkPythonVersions({ client: { packages: good }, scheduler: { packages: patch }, workers: { 'tcp://a:1': { packages: patch } } });
    checkNodeVersions({
      'tcp://a:1': { version: '20.12.0', form, hostname: 'a' },
      'tcp://b:1': { version: '99.0.0', form, hostname: 'b' },
    });
  });

  it.each([
    ['python', '3.12.1.final.0'],
    ['dask', '2026.1.1'],
    ['distributed', '2025.1.0'],
    ['msgpack', '2.0.0'],
  ])('must not differ in %s: a table says who has what', (name, version) => {
    const members = {
      client: { packages: good },
      scheduler: { packages: good },
      workers: { 'tcp://10.0.0.7:4000': { packages: { ...good, [name]: version } } },
    };
    expect(() => checkPythonVersions(members)).toThrow(expect.objectContaining({ code: 'ERR_VERSIONS' }));
    expect(() => checkPythonVersions(members)).toThrow(new RegExp(`tcp://10\\.0\\.0\\.7:4000 +${version.replaceAll('.', '\\.')}`));
  });

  it.each([
    ['is missing', { version: 'none', form: '', hostname: 'a' }],
    ['is too old', { version: '20.11.1', form, hostname: 'a' }],
    ['writes data in another form', { version: '30.0.0', form: '99', hostname: 'a' }],
  ])('refuses a worker whose Node %s', (_, node) => {
    expect(() => checkNodeVersions({ 'tcp://a:1': node })).toThrow(expect.objectContaining({ code: 'ERR_VERSIONS' }));
  });
});
