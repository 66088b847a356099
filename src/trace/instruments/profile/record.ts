import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { poll } from '../../ebpf.ts';
import type { TraceRun } from '../../instrument.ts';
import { findMembers } from '../../members.ts';
import { scriptFields } from '../../perf/read.ts';
import { scriptParser } from '../../perf/script.ts';
import { recordedProfile } from './recorded.ts';
import type { ProfileResult } from './result.ts';

/**
 * `perf record` of the processes that are in the container at the start and of what they make, through a pipe into `perf
 * script`: nothing is written to the disk, and names are looked up while the programs are there. Who enters later is missed.
 */
export async function runProfileByPerf(
  run: TraceRun<ProfileResult>,
  hertz: number,
): Promise<Reading<ProfileResult>> {
  const members = findMembers(run.files, run.container, run.target);
  const processes = [...new Set(members.threads.map(members.processOf))];
  const parser = scriptParser();
  const recorder = bound('perf', [
    ...['record', '-q', '-e', 'cpu-clock', '-F', String(hertz), '-g', '-o', '-', '-p', processes.join(',')],
    // Not before it is told so, and it says when it does (Linux 5.10's perf).
    ...['-D', '-1', '--control', 'fd:3,4'],
  ]);
  const reader = bound('perf', ['script', '-i', '-', '-F', scriptFields]);
  recorder.stdout?.pipe(reader.stdin ?? process.stderr);
  reader.stdout?.setEncoding('utf8').on('data', parser.write);
  const complaints = [complaintsOf(recorder), complaintsOf(reader)];
  // A pipe that the other end closed: what that says is told by its complaint.
  reader.stdin?.on('error', () => {});
  const ended = Promise.all([once(recorder, 'close'), once(reader, 'close')]).catch(() => undefined);
  if (await isEnabled(recorder)) run.onReady?.();
  const started = performance.now();
  const why =
    recorder.exitCode !== null
      ? 'stopped'
      : await poll(
          run,
          () => 0,
          () => {},
        );
  const seconds = Math.round(performance.now() - started) / 1000;
  recorder.kill('SIGINT');
  await ended;
  const [most] = parser.finish();
  const complaint = complaints.map(text => text()).find(text => text !== '');
  if (most === undefined && complaint !== undefined)
    return absent('perf', 'unreadable', `it could not record: ${complaint}`);
  return present(recordedProfile({ engine: 'perf', lost: 0, ended: why, seconds }, hertz, most));
}

/** perf-record(1), --control: a command is answered with `ack`. */
async function isEnabled(recorder: ChildProcess): Promise<boolean> {
  const [, , , commands, answers] = recorder.stdio;
  if (!(commands instanceof Writable) || !(answers instanceof Readable)) return false;
  commands.on('error', () => {});
  commands.write('enable\n');
  const answer = once(answers, 'data').then(() => true);
  return await Promise.race([answer, once(recorder, 'close').then(() => false)]).catch(() => false);
}

/** It ends with us, however we end. */
const bound = (program: string, words: readonly string[]): ChildProcess =>
  spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });

function complaintsOf(child: ChildProcess): () => string {
  let text = '';
  child.on('error', error => {
    text = error.message;
  });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-500);
  });
  return () => text.trim().split('\n').at(-1) ?? '';
}
