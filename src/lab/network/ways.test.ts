import { expect, test } from 'vitest';
import { sayWays } from './ways.ts';

test('what the table means: for a request, and for a CPU', () => {
  const said = sayWays([
    { name: 'loopback, or the host network', values: [6.8, 6.7, 8, 0] },
    { name: 'veth + bridge, between containers', values: [10.8, 10.5, 26.5, 4] },
    { name: 'veth + NAT + bridge, published port', values: [18.8, 12.5, 42, 12] },
  ]);
  expect(said).toContain('a bridge adds 4.0 µs to a packet there and back, a published port 12.0 µs');
  expect(said).toContain('0.4 % and 1.2 % of a request that takes 1 ms, 4 % and 12 % of a CPU at 10,000');
});
