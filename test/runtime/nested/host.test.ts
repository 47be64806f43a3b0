import { NestedHost } from '../../../runtime/nested/host.ts';
import type { NestedReply } from '../../../runtime/nested/messages.ts';
import type { Output } from '../../../runtime/output.ts';
import type { Outputs } from '../../../runtime/outputs.ts';

it('a task may cancel and retry what could not begin: its handle is not known', async () => {
  const asked: (readonly Output[])[] = [];
  const outputs = {
    cancel: async (some: readonly Output[]) => void asked.push(some),
    retry: (some: readonly Output[]) => void asked.push(some),
  } as unknown as Outputs;
  const replies: NestedReply[] = [];
  const host = new NestedHost(outputs);
  host.receive(0, { kind: 'retry', handles: [7] }, (reply) => void replies.push(reply));
  host.receive(0, { kind: 'cancel', request: 1, handles: [7], reason: undefined, force: false }, (reply) => void replies.push(reply));
  await new Promise(setImmediate);
  expect(asked).toEqual([[], []]);
  expect(replies).toEqual([{ kind: 'cancelled', request: 1 }]);
});
