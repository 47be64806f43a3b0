import fc from 'fast-check';
import { bytesText, escapeXml, grouped, safeJson, shorten, timeText, visible } from '../../../src/inspect/text.ts';
import { anyName, nastyNames } from '../../conformance/renderer.ts';
import { unescapeXml } from './read-svg.ts';

describe('visible', () => {
  it('leaves ordinary text of any language as it is', () => {
    for (const text of ['read_bytes', 'größe', '数える', 'مرحبا', '👩‍👩‍👧‍👦', 'a → b']) expect(visible(text)).toBe(text);
  });

  it('shows controls and takes away what acts unseen', () => {
    expect(visible('a\nb\u0000\u007f')).toBe('a␊b␀␡');
    expect(visible('\u202e\u2066\ud800\ufeff\u0085')).toBe('�����');
  });
});

describe('shorten', () => {
  it('keeps short texts, and start and end of long ones', () => {
    expect(shorten('read_bytes', 28)).toBe('read_bytes');
    expect(shorten('abcdefghijklmnopqrstuvwxyz', 10)).toBe('abcdef…xyz');
  });

  it('never gives more characters than asked for, nor half of one', () => {
    fc.assert(
      fc.property(anyName(), fc.integer({ min: 3, max: 40 }), (text, limit) => {
        const short = shorten(visible(text), limit);
        expect(Array.from(short).length).toBeLessThanOrEqual(limit);
        expect(short).toBe(visible(short));
      }),
    );
  });
});

describe('escapes', () => {
  it('come back as they were from XML, but for what is not seen', () => {
    fc.assert(fc.property(anyName(), (text) => expect(unescapeXml(escapeXml(text))).toBe(text.split('\n').map(visible).join('\n'))));
  });

  it('come back as they were from JSON, without signs that act in a page', () => {
    for (const text of nastyNames) {
      expect(JSON.parse(safeJson([text]))).toEqual([text]);
      expect(safeJson([text])).not.toMatch(/[<>&\u2028\u2029]/);
    }
  });
});

describe('quantities', () => {
  it('read well', () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0, 999, 1000, 1536, 67108864, 999_999_999, 1e15].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '1.54 kB',
      '67.1 MB',
      '1 GB',
      '1 PB',
    ]);
    expect([0, 0.4213, 4.21, 38.4, 999, 2500, 99_940, 200_000, 7_260_000].map(timeText)).toEqual([
      '0 ms',
      '0.42 ms',
      '4.2 ms',
      '38 ms',
      '999 ms',
      '2.5 s',
      '99.9 s',
      '3 min 20 s',
      '2 h 1 min',
    ]);
  });
});
