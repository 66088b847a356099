import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { checkPrivilege } from '../../linux/bpf/requirements.ts';
import type { KernelFiles } from '../../linux/files.ts';
import { hasProgram } from '../../linux/programs.ts';
import { absent, absentFromError, present, type Reading } from '../../linux/reading.ts';
import { type RecordedEvent, scriptParser } from './script.ts';

/** Whether `perf record` can look into other people's processes here. */
export const findPerf = (files: KernelFiles): Reading<true> =>
  checkPrivilege(files, 'perf', 'PERFMON') ??
  (hasProgram('perf') ? present(true) : absent('perf', 'disabled', 'apt-get install linux-perf'));

export const scriptFields = 'comm,pid,tid,time,event,ip,sym,dso';

/** The magic number of perf.data since Linux 3.5 (tools/perf/Documentation/perf.data-file-format.txt). */
const magic = 'PERFILE2';

/** What a recording holds: of `perf record`, by way of `perf script`, or the text that `perf script` wrote. */
export async function readRecording(file: string): Promise<Reading<readonly RecordedEvent[]>> {
  try {
    const parser = scriptParser();
    if (await isPerfData(file)) {
      const failure = await runPerfScript(file, parser.write);
      if (failure !== undefined) return failure;
    } else
      for await (const piece of createReadStream(file, { encoding: 'utf8' })) parser.write(String(piece));
    const events = parser.finish();
    return events.length === 0
      ? absent(
          file,
          'unreadable',
          'it has no samples: record with "perf record -g", and give perf.data or the text of perf script',
        )
      : present(events);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return absent(file, 'unreadable', 'there is no such file: name what perf record or perf script wrote');
    return absentFromError(file, error);
  }
}

async function isPerfData(file: string): Promise<boolean> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.toString('latin1', 0, bytesRead) === magic;
}

async function runPerfScript(
  file: string,
  write: (text: string) => void,
): Promise<Reading<never> | undefined> {
  // -f: also a file that another user recorded. Absolute, or after ./, as perf has no --.
  const child = spawn(
    'perf',
    ['script', '-f', '-i', file.startsWith('-') ? `./${file}` : file, '-F', scriptFields],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', write);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const code = await new Promise<number | undefined>(resolve => {
    child.on('error', () => resolve(undefined));
    child.on('close', number => resolve(number ?? -1));
  });
  if (code === undefined)
    return absent('perf', 'disabled', 'install it to read perf.data: apt-get install linux-perf');
  if (code === 0) return undefined;
  const [line = `it ended with ${code}`] = complaint
    .split('\n')
    .filter(text => text.trim() !== '')
    .slice(-1);
  return absent(file, 'unreadable', `perf script cannot read it: ${line}`);
}
