import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { barText, startBar } from '../../../src/progress/bar.ts';

describe('barText', () => {
  it('shows share, count, failures, time and rate', () => {
    expect(barText({ done: 600, failed: 2, total: 1000 }, 1200, 100, false)).toBe(
      `${'█'.repeat(24)}${'░'.repeat(16)}  60 %  600/1000  2 failed  1.2 s  500/s`,
    );
  });

  it('is never wider than the terminal, and says 100 % only when all is done', () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.nat(1e6),
        fc.nat(1e8),
        fc.integer({ min: 10, max: 300 }),
        fc.boolean(),
        (a, b, milliseconds, columns, colors) => {
          const [done, total] = [Math.min(a, b), Math.max(a, b)];
          const text = stripVTControlCharacters(barText({ done, failed: done >> 1, total }, milliseconds, columns, colors));
          expect(text.length).toBeLessThan(columns);
          if (columns >= 40) expect(/\b100 %/.test(text)).toBe(done === total);
        },
      ),
    );
  });

  it('has colours only when they are wanted', () => {
    const count = { done: 1, failed: 0, total: 2 };
    expect(barText(count, 0, 80, false)).not.toContain('\x1b');
    expect(stripVTControlCharacters(barText(count, 0, 80, true))).toBe(barText(count, 0, 80, false));
  });
});

describe('startBar where there is no terminal', () => {
  it('writes a plain line each 10 %, and the last one once', () => {
    let written = '';
    let now = 0;
    const bar = startBar({ write: (text) => (written += text) }, () => now);
    for (let done = 0; done <= 100; done++) {
      now += 10;
      bar.show({ done, failed: 0, total: 100 });
    }
    bar.end({ done: 100, failed: 0, total: 100 });
    const lines = written.split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toBe('10 % (10 of 100) in 0.1 s');
    expect(lines[9]).toBe('100 % (100 of 100) in 1.0 s');
    expect(lines[10]).toBe('');
  });
});
