import { Claims } from '../../../runtime/engines/claims.ts';
import { claimSlots } from '../../../runtime/worker/protocol.ts';

describe('tickets', () => {
  it('of what never left are free again, those before them are not', () => {
    const claims = new Claims();
    claims.use(0, claims.make());
    const sent = claims.ticket(0, 1);
    for (let round = 0; round < 5; round++) {
      const first = claims.next(0);
      for (let row = 2; row < claimSlots; row++) claims.ticket(0, row);
      claims.unsent(0, first);
    }
    expect(claims.takeBack(0, 2)).toBe(false);
    expect(claims.takeBack(0, 1)).toBe(true);
    const after = Array.from({ length: claimSlots }, (_, i) => claims.ticket(0, 10 + i));
    expect(after.filter((ticket) => ticket < 0)).toEqual([]);
    expect(after).not.toContain(sent);
  });
});
