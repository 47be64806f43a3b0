/** The process of one contestant: opens it, then runs a round whenever it is told to. See harness.mjs. */

let contestant;

/** Handlers by message. What they return is the reply; `close` gives none. */
const handlers = {
  async open({ file, name, settings }) {
    const { default: suite } = await import(file);
    contestant = await suite.contestants[name](settings);
    return {};
  },

  async warmUp() {
    await contestant.warmUp?.();
    return { isWarm: contestant.warmUp !== undefined };
  },

  async run({ round }) {
    await contestant.prepare?.(round);
    // no gc() here: a full collection throws away optimised code, and the round would measure the interpreter
    const laps = {};
    const cpu = process.cpuUsage();
    const began = performance.now();
    let since = began;
    const result = await contestant.run(round, (part) => {
      const now = performance.now();
      laps[part] = now - since;
      since = now;
    });
    const ended = performance.now();
    const used = process.cpuUsage(cpu);
    const took = result?.ms === undefined ? { answer: result, ms: ended - began } : result;
    if (Object.keys(laps).length === 0) laps.all = took.ms;
    await contestant.after?.(round);
    return { laps, answer: took.answer, cpuMs: (used.user + used.system) / 1000, peakBytes: process.resourceUsage().maxRSS * 1024 };
  },

  async close() {
    await contestant?.close?.();
    process.disconnect();
  },
};

process.once('disconnect', () => process.exit()); // also when the benchmark was ended
process.on('message', async (message) => {
  try {
    const reply = await handlers[message.kind](message);
    if (reply !== undefined) process.send(reply);
  } catch (error) {
    if (process.connected) process.send({ error: `${error?.name ?? 'thrown'}: ${error?.message ?? String(error)}`.split('\n')[0] });
  }
});
