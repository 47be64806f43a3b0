import { Executor } from 'heddle';
import { testEngine } from '../../conformance/engine.ts';

testEngine('processes', (options = {}) => new Executor({ engine: 'processes', workers: 2, ...options }));
