import { spawnSync } from 'node:child_process';
import { isLeftBehind, ownName } from '../../runtime/own-name.ts';

const prefix = 'heddle-test-';

it('tells what a process that is no more left behind from what others have', () => {
  const own = `${ownName(prefix)}aB3`;
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const dead = own.replace(`-${process.pid}-`, `-${pid}-`);
  const elsewhere = dead.replace(/^heddle-test-[0-9a-f]+/, `${prefix}${'0'.repeat(12)}`);
  const names = [own, dead, elsewhere, `other-${dead}`, `${prefix}notes`, prefix];
  expect(names.filter((name) => isLeftBehind(name, prefix))).toEqual([dead]);
});
