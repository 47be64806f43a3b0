import fc from 'fast-check';
import type { Task } from '../../graph/task.ts';
import type { Output } from '../../runtime/output.ts';
import { OutputIndex } from '../../runtime/output-index.ts';

const outputOf = (id: string): Output => ({ task: { id } as Task }) as Output;

describe('outputs by id', () => {
  it('are what a Map of texts would hold, also where tokens begin alike', () => {
    const rest = 'f'.repeat(25);
    const id = fc.oneof(
      fc.constantFrom(`0000000${rest}`, `0000000${'e'.repeat(25)}`, `0000000${'d'.repeat(25)}`, `000000f${rest}`), // the first three share a number
      fc.constantFrom('a key', 'x'.repeat(32), `A000000${rest}`, ''),
    );
    const step = fc.record({ kind: fc.constantFrom('set', 'delete', 'delete another'), id });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const index = new OutputIndex();
        const expected = new Map<string, Output>();
        for (const { kind, id } of steps) {
          if (kind === 'set') {
            const output = outputOf(id);
            index.set(output);
            expected.set(id, output);
          } else if (kind === 'delete another') index.delete(outputOf(id));
          else if (expected.has(id)) {
            index.delete(expected.get(id)!);
            expected.delete(id);
          }
          for (const known of new Set(steps.map((one) => one.id))) expect(index.get(known)).toBe(expected.get(known));
          expect(new Set(index)).toEqual(new Set(expected.values()));
        }
        index.clear();
        expect([...index]).toEqual([]);
      }),
    );
  });
});
