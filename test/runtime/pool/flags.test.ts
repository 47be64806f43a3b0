import { flagsForWorkers, withoutRefused } from '../../../runtime/pool/flags.ts';

const refusal = (...flags: string[]): string => `Initiated Worker with invalid execArgv flags: ${flags.join(', ')}`;

describe('flags for workers', () => {
  it('are inherited when none is the caller’s own', () => {
    expect(flagsForWorkers([])).toBeUndefined();
    expect(flagsForWorkers(['--max-old-space-size=4096', '-C', 'custom', '--import', './setup.mjs', '--title', 'me'])).toBeUndefined();
  });

  it.each([
    [['--input-type=module', '--no-warnings', '-e', '1 + 1']],
    [['--no-warnings', '-p', '-1']],
    [['--test', '--test-reporter=tap', '--no-warnings', '--test-timeout', '5']],
    [['--watch', '--watch-path', 'src', '--no-warnings']],
    [['--no-warnings', '--import', 'tsx', '--require', '/somewhere/node_modules/tsx/dist/preflight.cjs']],
    [['--inspect-brk=0', '--no-warnings', '--experimental-vm-modules']],
  ])('leave out what would make a worker do something else: %j', (flags) => {
    expect(flagsForWorkers(flags)).toEqual(['--no-warnings']);
  });

  it('leave out what Node refuses, with its value', () => {
    const flags = ['-C', 'custom', '--title', 'me', '--stack-size=2000', '--no-warnings'];
    expect(withoutRefused(flags, refusal('--stack-size=2000', '--title'))).toEqual(['-C', 'custom', '--no-warnings']);
    expect(withoutRefused(flags, refusal('--title'))).toEqual(['-C', 'custom', '--stack-size=2000', '--no-warnings']);
  });

  it('are none when it is not known which one Node refuses', () => {
    expect(withoutRefused(['--a=b, c', '--no-warnings'], refusal('--a=b, c'))).toEqual([]);
  });
});
