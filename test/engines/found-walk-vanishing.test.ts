import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { type Diagnosis, diagnose } from '../../src/diagnose/diagnosis.ts';
import { pathFaults } from '../../src/diagnose/path/broken.ts';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { observe } from '../../src/observe/observe.ts';
import { root } from '../cli/run.ts';
import { runCrun } from '../support/engines/crun.ts';
import { whyNot } from '../support/engines/programs.ts';
import { idle } from '../support/walk-words.ts';
import { type Wired, wire } from '../support/wired.ts';

const without = whyNot('crun', 'busybox', 'setpriv', 'unshare', 'mount', 'ip', 'nft');
const files = openKernelFiles();
const rounds = 12;
const destination = { address: '10.78.0.2', port: 8080, asked: null };

/** What a walk stands on goes away under it: namespaces, programs, rights. */
describe.skipIf(without !== undefined)(
  `walks whose ground gives way${without === undefined ? '' : ` (skipped: ${without})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    const wired = (body: (wires: Wired) => Promise<void>) =>
      wire(run, 'ipv4', runCrun(['sh', '-c', idle]), body);
    const home = (): string => readlinkSync('/proc/thread-self/ns/net');
    const sockets = (): number => readdirSync('/proc/self/fd').length;

    /** Kills from outside, for a walk holds this thread; after a while that differs from round to round. */
    const killAfter = (pid: number, seconds: number) =>
      spawn('sh', ['-c', `sleep ${seconds.toFixed(3)}; kill -9 ${pid}`], { stdio: 'ignore' });

    test(`${rounds} namespaces end at some moment of a walk: no rule breaks, and the thread is at home`, async () => {
      const [before, open] = [home(), sockets()];
      const ends = new Map<string, number>();
      for (let round = 0; round < rounds; round += 1)
        await wired(async ({ selector, box, router, server }) => {
          const { containers, notices } = await discoverContainers(files);
          const selection = selectContainers(files, containers, selector);
          if (selection.kind !== 'one') throw new Error(`${selector}: ${selection.kind}`);
          const victim = [server, router, box][round % 3] ?? box;
          const killer = killAfter(victim.init, 0.01 + (0.6 * round) / rounds);
          const ended = once(killer, 'exit');
          const observation = await observe(files, {
            ...{ containers: [selection.container], known: containers, notices, windowMs: 50 },
            reach: { destination, probe: false },
          });
          await ended;
          const [looked] = diagnose(observation, catalogue).containers;
          expect(looked?.verdicts.filter(({ verdict }) => verdict.kind === 'failed')).toEqual([]);
          for (const { verdict } of looked?.verdicts ?? [])
            if (verdict.kind === 'inconclusive')
              for (const { remedy } of verdict.missing) expect(remedy).not.toBe('');
          const [walk] = looked?.walks ?? [];
          const how = walk === undefined ? 'no walk' : (walk.broken?.fault ?? walk.result.slice(0, 24));
          ends.set(how, (ends.get(how) ?? 0) + 1);
          expect(home()).toBe(before);
        });
      // Both early and late moments were among them.
      expect(ends.size).toBeGreaterThan(1);
      expect(sockets()).toBeLessThanOrEqual(open + 4);
    }, 180_000);

    /** `glassbox diagnose` where a program of the host is replaced, in a mount namespace of its own. */
    async function diagnoseWith(path: string, script: string, mode: number, selector: string) {
      const directory = mkdtempSync(join(tmpdir(), 'glassbox-'));
      const stand = join(directory, 'stand-in');
      writeFileSync(stand, script);
      chmodSync(stand, mode);
      const words = [process.execPath, join(root, 'src/cli/main.ts'), 'diagnose', selector];
      const child = spawn(
        'unshare',
        [
          ...['--mount', 'sh', '-c', 'mount --bind "$1" "$2"; shift 2; exec "$@"', 'sh', stand, path],
          ...[...words, '--to', '10.78.0.2:8080', '--json', '--for', '100ms'],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let [output, errors] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', text => {
        output += text;
      });
      child.stderr.setEncoding('utf8').on('data', text => {
        errors += text;
      });
      const [code] = await once(child, 'close');
      rmSync(directory, { recursive: true });
      expect([code, errors]).toEqual([0, '']);
      const { verdicts = [] } = (JSON.parse(output) as Diagnosis).containers[0] ?? {};
      expect(verdicts.filter(({ verdict }) => ['failed', 'found'].includes(verdict.kind))).toEqual([]);
      return new Map(verdicts.map(({ case: id, verdict }) => [id, verdict]));
    }

    const missing = '#!/no/such/interpreter\n';
    const refusing = '#!/bin/sh\necho "Operation not permitted (you must be root)" >&2\nexit 1\n';
    test.each([
      ['nft is missing', 'nft', missing, 0o755, /apt-get install nftables/],
      ['nft may not list', 'nft', refusing, 0o755, /run as root/],
      ['nft may not be run', 'nft', '', 0o644, /nft may not be run here/],
    ])('%s: what rules do is open, all else is judged', (_, name, script, mode, remedy) =>
      wired(async ({ selector }) => {
        const verdicts = await diagnoseWith(`/usr/sbin/${name}`, script, mode, selector);
        expect(verdicts.get('network/firewall-drops')).toMatchObject({
          kind: 'inconclusive',
          missing: expect.arrayContaining([
            expect.objectContaining({ remedy: expect.stringMatching(remedy) }),
          ]),
        });
        expect(verdicts.get('network/route-missing')?.kind).toBe('ruled-out');
      }),
    );

    test('ip is missing: every way is open, with what to install', () =>
      wired(async ({ selector }) => {
        const verdicts = await diagnoseWith('/bin/ip', missing, 0o755, selector);
        for (const fault of pathFaults.filter(each => each !== 'mtu-black-hole'))
          expect(verdicts.get(`network/${fault}`)).toMatchObject({
            kind: 'inconclusive',
            missing: expect.arrayContaining([
              expect.objectContaining({ remedy: expect.stringMatching(/apt-get install iproute2/) }),
            ]),
          });
      }));
  },
);
