import { Executor } from 'heddle';
import { testEngine } from '../../conformance/engine.ts';

testEngine('threads', (options = {}) => new Executor({ workers: 2, ...options }));
