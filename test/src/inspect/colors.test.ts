import { categoryPaint, type Paint, rampPaint, statusPaint, unknownPaint } from '../../../src/inspect/colors.ts';

const luminance = (color: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = ({ fill, ink }: Paint): number => {
  const [dark = 0, light = 0] = [luminance(fill), luminance(ink)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

describe('paints', () => {
  it('can be read: text stands out from its background', () => {
    const all = [
      unknownPaint,
      ...Array.from({ length: 20 }, (_, i) => categoryPaint(i)),
      ...['processing', 'memory', 'erred', 'queued', 'no-worker', 'lost'].map(statusPaint),
    ];
    for (const paint of all) expect(contrast(paint)).toBeGreaterThan(4.5);
    for (let i = 0; i <= 100; i++) expect(contrast(rampPaint(i / 100))).toBeGreaterThan(3.4);
  });

  it('grow lighter along the ramp, so that it reads in grey', () => {
    const lights = Array.from({ length: 101 }, (_, i) => luminance(rampPaint(i / 100).fill));
    for (const [i, light] of lights.entries()) if (i > 0) expect(light).toBeGreaterThanOrEqual(lights[i - 1] ?? 1);
  });

  it('say nothing about a status nobody knows', () => {
    expect(statusPaint('constructor')).toBe(unknownPaint);
  });
});
