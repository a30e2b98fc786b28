import { expect, test } from 'vitest';
import { Outage } from './outage.ts';

test.each(['pull', 'push'] as const)(
  'a link that comes back may carry less than before: little is asked at first, by %s',
  async (way) => {
    await using outage = await Outage.of({ raw: 1 }, way, 256 << 10);
    await outage.write('raw', 1_500);
    await outage.heal('raw');
    const grown = outage.mostAtOnce('raw');
    outage.cut();
    const before = outage.link.carried.length;
    await outage.write('raw', 1_500, 1_500);

    await outage.heal('raw');

    const counts = outage.counts('raw', before);
    expect(counts[0]).toBeLessThanOrEqual(grown / 2);
    expect(Math.max(...counts)).toBeGreaterThan(1.5 * (counts[0] ?? 0));
  },
);
