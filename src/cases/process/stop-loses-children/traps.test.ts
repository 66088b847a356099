import fc from 'fast-check';
import { expect, test } from 'vitest';
import { process } from '../../../../test/support/facts.ts';
import { present } from '../../../linux/reading.ts';
import { readTrap, splitCommands } from './traps.ts';

const shell = (script: string, command: readonly string[] = ['/bin/sh', '-c']) =>
  process(4711, { commandLine: [...command, script], executable: present('/usr/bin/dash') });
const effect = (script: string) => readTrap(shell(script), 15)?.effect;

test.each<[string, string | undefined]>([
  ["trap 'exit 0' TERM; app & wait", 'tells-nobody'],
  ["trap 'echo bye; rm -f /run/x; exit' SIGTERM; app & wait", 'tells-nobody'],
  ["trap -- 'exit 0' 15; app & wait", 'tells-nobody'],
  ['trap "exit 0" INT TERM\napp & wait', 'tells-nobody'],
  ["trap 'kill $c; exit' TERM; app & c=$!; wait", 'does-not-wait'],
  ["trap 'pkill app && exit 0' TERM; app & wait", 'does-not-wait'],
  ["trap 'kill $c; wait $c; exit' TERM; app & c=$!; wait", 'waits'],
  ["trap 'kill $(jobs -p); wait' TERM; app & wait", 'waits'],
  ["trap 'exit' TERM; trap 'kill $c; wait' EXIT; app & wait", 'waits'],
  ["if :; then trap 'exit 0' TERM; fi; app & wait", 'tells-nobody'],
  // What cannot be followed stays unknown.
  ['f() { kill $c; wait; exit; }; trap f TERM; app & wait', 'unknown'],
  ["trap 'nginx -s quit; exit' TERM; app & wait", 'unknown'],
  ["trap 'kill $c; sleep 5; exit' TERM; app & wait", 'unknown'],
  ["trap 'exec cleanup' TERM", 'unknown'],
  ["trap 'kill $c' TERM; app & wait; wait", 'unknown'],
  // No trap of its own for this signal.
  ["trap 'exit' INT; app & wait", undefined],
  ["trap 'exit' TERM; trap 'kill $c; wait' TERM", undefined],
  ["(trap 'exit' TERM; app) & wait", undefined],
  [`sh -c 'trap "exit" TERM; app' & wait`, undefined],
  ["# trap 'exit' TERM\napp", undefined],
  ['echo "trap \'exit\' TERM"; app', undefined],
])('%s: %s', (script, expected) => {
  expect(effect(script)).toBe(expected);
});

test('the trap of the shell itself, not of a script that it starts', () => {
  const script = `trap 'kill $c; wait $c; exit' TERM; sh -c 'trap "exit" TERM; app' & c=$!; wait`;
  expect(readTrap(shell(script), 15)).toEqual({
    action: 'kill $c; wait $c; exit',
    effect: 'waits',
    scriptWaits: true,
  });
});

test('only what sh -c says is known: not a script file, not what may have been cut, not another program', () => {
  expect(readTrap(process(1, { commandLine: ['/bin/sh', '/entrypoint.sh'] }), 15)).toBeUndefined();
  expect(effect(`trap 'exit' TERM; ${'x'.repeat(4096)}`)).toBeUndefined();
  expect(readTrap(process(1, { commandLine: ['perl', '-c', "trap 'exit' TERM"] }), 15)).toBeUndefined();
  expect(readTrap(shell("trap 'exit' TERM; wait", ['bash', '-euc']), 15)?.effect).toBe('tells-nobody');
});

test('no script throws', () => {
  fc.assert(
    fc.property(fc.string(), script => {
      readTrap(shell(script), 15);
      return Array.isArray(splitCommands(script));
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...`trap 'exit' TERM " ( ) ; & \\ # \n $( } {`.split(' '))),
      parts => {
        readTrap(shell(parts.join(' ')), 15);
      },
    ),
  );
});
