/** The process of one contestant: opens it, then runs a round whenever it is told to. See harness.mjs. */
let contestant;

/** Handlers by message. What they return is the reply. */
const handlers = {
  async open({ file, name, settings }) {
    const { default: suite } = await import(file);
    contestant = await suite.contestants[name](settings);
    return {};
  },

  async run({ round }) {
    await contestant.prepare?.(round);
    globalThis.gc(); // what earlier rounds left behind is not this one's to clear
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
    setImmediate(() => process.disconnect());
    return {};
  },
};

process.on('message', async (message) => {
  try {
    process.send(await handlers[message.kind](message));
  } catch (error) {
    process.send({ error: `${error?.name ?? 'thrown'}: ${error?.message ?? String(error)}`.split('\n')[0] });
  }
});
