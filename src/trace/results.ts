import type { Reading } from '../linux/reading.ts';
import type { BlockIoResult } from './instruments/block-io/result.ts';
import type { CapabilitiesResult } from './instruments/capabilities/result.ts';
import type { DropsResult } from './instruments/drops/result.ts';
import type { ExecResult } from './instruments/exec/result.ts';
import type { FilesResult } from './instruments/files/result.ts';
import type { ForksResult } from './instruments/forks/result.ts';
import type { FunctionsResult } from './instruments/functions/result.ts';
import type { OffcpuResult } from './instruments/offcpu/result.ts';
import type { OomResult } from './instruments/oom/result.ts';
import type { ProfileResult } from './instruments/profile/result.ts';
import type { ReclaimResult } from './instruments/reclaim/result.ts';
import type { RunqResult } from './instruments/runq/result.ts';
import type { SeccompResult } from './instruments/seccomp/result.ts';
import type { SignalsResult } from './instruments/signals/result.ts';
import type { SoftirqResult } from './instruments/softirq/result.ts';
import type { SyscallsResult } from './instruments/syscalls/result.ts';
import type { TcpResult } from './instruments/tcp/result.ts';
import type { ThrottleResult } from './instruments/throttle/result.ts';
import type { TimerlatResult } from './instruments/timerlat/result.ts';
import type { WritebackResult } from './instruments/writeback/result.ts';

/** What each instrument finds, by its name. Plain data: rules read it, files keep it. */
export interface TracedResults {
  readonly capabilities: CapabilitiesResult;
  readonly exec: ExecResult;
  readonly profile: ProfileResult;
  readonly reclaim: ReclaimResult;
  readonly runq: RunqResult;
  readonly seccomp: SeccompResult;
  readonly drops: DropsResult;
  readonly tcp: TcpResult;
  readonly forks: ForksResult;
  readonly oom: OomResult;
  readonly syscalls: SyscallsResult;
  readonly files: FilesResult;
  readonly functions: FunctionsResult;
  readonly signals: SignalsResult;
  readonly softirq: SoftirqResult;
  readonly 'block-io': BlockIoResult;
  readonly offcpu: OffcpuResult;
  readonly throttle: ThrottleResult;
  readonly timerlat: TimerlatResult;
  readonly writeback: WritebackResult;
}
export type InstrumentName = keyof TracedResults;

/** What `diagnose --deep` saw in one container: the instruments that its cases name. */
export type Traced = { readonly [Name in InstrumentName]?: Reading<TracedResults[Name]> };
