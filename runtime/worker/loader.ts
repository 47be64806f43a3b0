import { createRequire } from 'node:module';
import type { LoaderInfo } from '../../graph/index.ts';

/** Starts in this thread the TypeScript loader that the process runs under. */
export async function startLoader(info: LoaderInfo): Promise<void> {
  const { rememberLoader } = await import('../../graph/index.ts');
  rememberLoader(info);
  const require = createRequire(import.meta.url);
  if (info.kind === 'ts-node') return void require(info.cjs);
  if (info.esm !== undefined) {
    const { register } = (await import(info.esm)) as { register: () => unknown };
    register();
  }
  const { register } = require(info.cjs) as { register: () => unknown };
  register();
}
