import { expect, test } from 'vitest';
import type { Verdict } from '../../src/diagnose/verdict.ts';
import { reachFacts, walk } from './reach.ts';

/** What every rule about a fault on a packet's way has to do when that fault is not there, or nobody looked. */
export function staysSilentWithoutItsFault(rule: (facts: ReturnType<typeof reachFacts>) => Verdict): void {
  test('everything passes: ruled out, though connections wait', () => {
    expect(rule(reachFacts([walk()])).kind).toBe('ruled-out');
  });

  test('nothing waits and nothing was looked at: ruled out; sent again and not looked at: inconclusive', () => {
    expect(rule(reachFacts('not looked at')).kind).toBe('ruled-out');
    expect(rule(reachFacts('not looked at', { 'TcpExt.TCPSynRetrans': [3, 9] }))).toMatchObject({
      kind: 'inconclusive',
      missing: [{ remedy: expect.stringContaining('glassbox diagnose') }],
    });
  });
}
