import { HeddleError } from '../../graph/index.ts';
import type { Renderer } from './renderer.ts';

/** Refuses, with the way out: pixels need a rasteriser and fonts, and heddle brings neither. */
export const png: Renderer = {
  format: 'png',
  endings: ['.png'],
  render() {
    throw new HeddleError(
      'ERR_UNSUPPORTED',
      'pictures are not made as png here; use svg (any browser shows it, and every image program turns it into png) or html',
    );
  },
};
