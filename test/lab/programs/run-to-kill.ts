/**
 * Makes everything a lab can make, says how far it is, and takes it down: for tests that end it in between.
 * Arguments: the marker for its programs' command lines, and what to do when everything runs.
 */
import { openRun } from '../../../src/lab/bench.ts';
import { findUnmetNeed } from '../../../src/lab/needs.ts';
import { hasProgram } from '../../../src/linux/programs.ts';
import { bytes } from '../../../src/linux/units.ts';

const [marker = '', then = 'close'] = process.argv.slice(2);
console.log('begin');
const run = openRun();
const onLoop = [{ kind: 'filesystem', size: bytes(2 ** 24) }, { kind: 'slow-disk' }] as const;
const directory =
  findUnmetNeed(onLoop) === undefined
    ? (await run.bench.filesystem({ name: 'data', size: bytes(2 ** 22), slow: 2 ** 16 })).directory
    : await run.bench.directory('data');
const program = {
  kind: 'shell',
  script: `echo x > /data/file; sleep ${marker} & sleep ${marker} & echo ready; wait`,
} as const;
const binds = [{ source: directory, target: '/data', writable: true }];
const containers = await Promise.all([
  run.bench.container({ name: 'one', program, binds }),
  run.bench.container({ name: 'two', program, binds, parentLimits: { pids: 64 }, user: 'root' }),
  run.bench.container({ name: 'shared', program, binds, share: ['pid', 'net'] }),
]);
if (containers[0] !== undefined && hasProgram('ip')) {
  const network = await run.bench.network();
  const router = await network.host('router');
  await network.link(
    { on: containers[0], addresses: ['10.77.0.2/24'] },
    { on: router, addresses: ['10.77.0.1/24'] },
  );
}
await Promise.all(containers.map(container => container.line(/^ready$/)));
console.log('running');
if (then === 'throw') throw new Error('as the test wants it');
if (then === 'wait') await new Promise(resolve => setTimeout(resolve, 60_000));
await new Promise(resolve => setTimeout(resolve, 50));
console.log('stopping');
await containers[0]?.stop();
console.log('closing');
const left = run.close();
console.log(`closed ${JSON.stringify(left)}`);
