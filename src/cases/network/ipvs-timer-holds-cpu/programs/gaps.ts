/**
 * Looks at the clock all the time. A line on standard input makes it watch four stretches of 2.2 s, and print the
 * longest hole that was in every one of them, in microseconds: `hole 48211`. What comes every 2 s is in each; what
 * else takes the CPU now and then is not.
 */
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';

const stretchMs = 2200;
const stretches = 4;

process.on('SIGTERM', () => process.exit(0));
let asked = 0;
createInterface({ input: process.stdin }).on('line', () => {
  asked += 1;
});
console.log('looking');
for (;;) {
  const wasAsked = asked > 0;
  const holes: number[] = [];
  while (holes.length < (wasAsked ? stretches : 1)) holes.push(await longestHole(wasAsked ? stretchMs : 50));
  if (!wasAsked) continue;
  asked -= 1;
  console.log(`hole ${Math.round(Math.min(...holes) * 1000)}`);
}

/** In milliseconds. */
async function longestHole(milliseconds: number): Promise<number> {
  let longest = 0;
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    let before = performance.now();
    const pause = before + 20;
    while (before < pause) {
      const now = performance.now();
      longest = Math.max(longest, now - before);
      before = now;
    }
    // Signals and lines come in between; that is no hole.
    await turn();
  }
  return longest;
}
