import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { bytes } from '../../src/linux/units.ts';
import { glassbox } from '../cli/run.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { foundIn, foundSoon } from '../support/found-in.ts';

/** What a container prints, in the files of a real Docker whose data root is a small disk. */
const MiB = 2 ** 20;
const size = bytes(96 * MiB);
const without =
  findUnmetNeed([{ kind: 'filesystem', size }])?.because ??
  whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

const id = 'storage/disk-filled-by-container';
const prints = (mebibytes: number): string =>
  `yes 0123456789012345678901234567890123456789012345678901234567890 | head -c ${mebibytes * MiB}; exec sleep 300`;

interface LogKind {
  readonly kind: string;
  readonly path: string;
  readonly bytes: number;
  readonly entries: number;
  readonly keeper: { readonly driver: string; readonly options: readonly string[] };
}

describe.skipIf(without !== undefined)(
  `logs of Docker${without === undefined ? '' : ` (skipped: ${without})`}`,
  () => {
    let run: LabRunHandle;
    let daemon: Dockerd;
    beforeAll(async () => {
      run = openRun();
      const disk = await run.bench.filesystem({ name: 'data-root', size });
      daemon = await startDockerd('none', disk.directory);
    });
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      expect(run.close()).toEqual([]);
    });

    const logOf = (name: string): LogKind | undefined => {
      const { output } = glassbox(['inspect', '--disk', '--json', name], { env: daemon.environment });
      const { disk } = JSON.parse(output) as { disk: { kinds: readonly LogKind[] } };
      return disk.kinds.find(({ kind }) => kind === 'log');
    };
    const start = (name: string, options: readonly string[], script: string) =>
      daemon.start(['--name', name, '--init', ...options], ['sh', '-c', script]);
    /** Docker reads what is printed from a pipe, and writes it a moment later. */
    const grown = async (name: string, least: number): Promise<LogKind> => {
      await expect
        .poll(() => logOf(name)?.bytes ?? 0, { timeout: 60_000, interval: 500 })
        .toBeGreaterThan(least);
      const log = logOf(name);
      if (log === undefined) throw new Error(`${name} has no log`);
      return log;
    };

    test.each([
      [
        'json-file, rotated',
        ['--log-opt', 'max-size=1m', '--log-opt', 'max-file=2'],
        'json-file',
        /-json\.log$/,
      ],
      [
        'local, rotated',
        [
          '--log-driver',
          'local',
          '--log-opt',
          'max-size=1m',
          '--log-opt',
          'max-file=2',
          '--log-opt',
          'compress=false',
        ],
        'local',
        /local-logs\/container\.log$/,
      ],
    ] as const)('%s: all files of it, and what bounds them', async (_, options, driver, path) => {
      await start('gb-rotates', options, prints(6));
      try {
        const log = await grown('gb-rotates', 0.75 * MiB);
        expect(log).toMatchObject({ entries: 2, keeper: { driver } });
        expect(log.path).toMatch(path);
        expect(log.keeper.options).toEqual(expect.arrayContaining(['max-size=1m', 'max-file=2']));
        expect(log.bytes).toBeLessThan(3 * MiB);
        expect([...(await foundIn('gb-rotates', daemon.environment)).keys()]).not.toContain(id);
      } finally {
        await daemon.docker('rm', '--force', 'gb-rotates');
      }
    });

    test.each([
      ['json-file', [], 'Let the engine rotate:', /json-file without max-size/],
      [
        'local',
        ['--log-driver', 'local', '--log-opt', 'compress=false'],
        'Let the engine rotate sooner:',
        /\(local\)/,
      ],
    ] as const)(
      '%s without an option fills the disk: the log, its bytes, and log-opts',
      async (driver, options, fix, claim) => {
        // A daemon without room on its disk does not forget names: each has its own.
        const [quiet, loud] = [`gb-quiet-${driver}`, `gb-loud-${driver}`];
        await start(quiet, [], 'exec sleep 300');
        await start(loud, options, prints(110));
        try {
          const finding = await foundSoon(id, loud, daemon.environment);
          expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
          expect(finding.summary).toMatch(/most of it in \/\S+\/containers\/[0-9a-f]{64}\/\S+\.log/);
          const [kept] = finding.evidence.filter(each => claim.test(each.claim));
          expect(Number(/^(\d+) bytes/.exec(kept?.observed ?? '')?.[1])).toBeGreaterThan(32 * MiB);
          expect(finding.fixes[0]?.command).toMatch(/^truncate -s 0 \/\S+\.log$/);
          expect(finding.fixes.map(({ action }) => action)).toContainEqual(expect.stringContaining(fix));
          expect([...(await foundIn(quiet, daemon.environment)).keys()]).not.toContain(id);
        } finally {
          await daemon.docker('rm', '--force', loud, quiet);
        }
      },
    );
  },
);
