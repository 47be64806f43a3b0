import { Executor } from 'heddle';
import { testEngine } from '../../conformance/engine.ts';

const oneThread = "it runs in the caller's own thread";
testEngine('inline', ({ workers: _, ...options } = {}) => new Executor({ engine: 'inline', ...options }), {
  'turns process.exit in a task into an error of that task': oneThread,
  'replaces a thread that does not heed its signal, and loses no other task': oneThread,
});
