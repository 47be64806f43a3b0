import { parentPort } from 'node:worker_threads';

/** Sends back what it gets, and says when it is there. */
parentPort.on('message', (message) => parentPort.postMessage(message));
parentPort.postMessage('ready');
