import { globSync } from 'node:fs';
import { bootVm, guestProject } from '../../../src/vm/boot.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { bundleDirectory, bundleTests } from './bundle.ts';
import type { GuestResult } from './guest/run.ts';

/** The instruments against workloads with a countable truth: what runs natively as a project of vitest's, too. */
const testFiles = 'test/lab/trace-{calls,events,figures,functions,kills,network,second}.test.ts';

export interface GuestTestsOptions {
  readonly project: string;
  readonly cgroups: CgroupVersion;
  /** Of the guest's kernel; Debian's own when left out. */
  readonly linux?: string | undefined;
  readonly stop: AbortSignal;
  /** Of the tests' names; all when left out. */
  readonly only?: string;
  /** When it is over no further test is begun, and the rest counts as skipped. */
  readonly budgetMs?: number;
  readonly onResult: (result: GuestResult) => void;
}

/** One test that hangs takes the guest down, and with it those that were to follow. */
const quietMs = 5 * 60_000;
const allMs = 30 * 60_000;

/** Bundled once for all guests. */
export const prepareTraceTests = (project: string): Promise<string> =>
  bundleTests(project, globSync(testFiles, { cwd: project }));

/** Runs the bundle in a guest. Rejects when it did not come to its end, and then some tests have no result. */
export async function runTraceTests(bundle: string, options: GuestTestsOptions): Promise<void> {
  const { project, cgroups, linux, stop, only = '', budgetMs = allMs, onResult } = options;
  const also = [bundleDirectory, 'test/lab/programs'];
  const machine = await bootVm({ project, cgroups, linux, also, stop });
  let tests = 0;
  let results = 0;
  let rest = '';
  try {
    const code = await machine.run(
      `cd / && exec node ${guestProject}/${bundle} '${only.replaceAll("'", `'\\''`)}' ${budgetMs}`,
      {
        timeoutMs: allMs,
        quietMs,
        onOutput: chunk => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (line.startsWith('{"tests"')) ({ tests } = JSON.parse(line) as { tests: number });
            if (!line.startsWith('{"test"')) continue;
            results += 1;
            onResult(JSON.parse(line) as GuestResult);
          }
        },
        onErrors: chunk => process.stderr.write(chunk),
      },
    );
    if (code !== 0 || tests === 0 || results < tests)
      throw new Error(`the tests in the guest ended with ${code} after ${results} of ${tests}`);
  } finally {
    await machine.close();
  }
}
