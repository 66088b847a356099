import { discoverContainers } from '../containers/discover.ts';
import { findTypeInformation } from '../linux/bpf/btf.ts';
import { findBpf } from '../linux/bpf/requirements.ts';
import { capabilityNumber } from '../linux/capabilities.ts';
import { detectLayout } from '../linux/cgroup/layout.ts';
import { controllers } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readOomReports } from '../linux/kmsg/read.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { readHostPressure } from '../linux/pressure.ts';
import { readKernelRelease } from '../linux/proc/host/osrelease.ts';
import { readStatus } from '../linux/proc/status.ts';
import { hasProgram } from '../linux/programs.ts';
import type { Reading } from '../linux/reading.ts';
import { findTracefs } from '../linux/tracefs.ts';
import { hostPid } from '../linux/units.ts';
import { examineInstruments } from './commands/trace.ts';

/** One thing that Glassbox can use here, or cannot. */
export interface Check {
  readonly name: string;
  readonly state: 'yes' | 'partly' | 'no';
  readonly found: string;
  /** What is not possible without it, and how to get it; empty when there is nothing to do. */
  readonly remedy: string;
}

const yes = (name: string, found: string): Check => ({ name, state: 'yes', found, remedy: '' });
const no = (name: string, found: string, remedy: string): Check => ({ name, state: 'no', found, remedy });
const partly = (name: string, found: string, remedy: string): Check => ({
  name,
  state: 'partly',
  found,
  remedy,
});

export async function examine(files: KernelFiles): Promise<readonly Check[]> {
  return [
    checkKernel(files),
    checkPrivilege(files),
    checkOtherProcesses(files),
    ...checkCgroups(files),
    checkPressure(files),
    checkKernelLog(files),
    checkPrograms(),
    checkTypeInformation(files),
    checkTracing(files),
    fromReading('eBPF', findBpf(files)),
    await checkInstruments(files),
    ...(await checkEngines(files)),
  ];
}

function checkKernel(files: KernelFiles): Check {
  const release = readKernelRelease(files);
  return release.present
    ? yes('kernel', `${release.value}, ${process.arch}`)
    : no('kernel', 'unknown', release.remedy);
}

const wanted = ['SYS_ADMIN', 'SYS_PTRACE', 'DAC_READ_SEARCH', 'SYSLOG'];

function checkPrivilege(files: KernelFiles): Check {
  const status = readStatus(files, 'self');
  if (!status.present) return no('privilege', 'unknown', status.remedy);
  const lacking = wanted.filter(name => {
    const number = capabilityNumber(name);
    return number !== undefined && !status.value.capabilities.effective.includes(number);
  });
  if (lacking.length === 0)
    return yes('privilege', `uid ${status.value.uid.effective} with ${wanted.join(' ')}`);
  return partly(
    'privilege',
    `uid ${status.value.uid.effective} without ${lacking.join(' ')}`,
    "other users' containers stay closed, labs cannot run: use sudo",
  );
}

function checkOtherProcesses(files: KernelFiles): Check {
  const init = readNamespace(files, hostPid(1), 'pid');
  const own = readNamespace(files, 'self', 'pid');
  if (!init.present)
    return partly(
      'host view',
      "pid 1's namespaces cannot be read",
      process.geteuid?.() === 0
        ? "this host protects its pid 1; Glassbox's own namespaces stand in for the host's"
        : 'run as root',
    );
  if (own.present && own.value !== init.value)
    return partly('host view', 'inside a pid namespace', 'only what is in it can be seen: run on the host');
  return yes('host view', 'sees every process of this pid namespace');
}

function checkCgroups(files: KernelFiles): readonly Check[] {
  const layout = detectLayout(files);
  if (!layout.present) return [no('cgroups', 'not mounted', layout.remedy)];
  const { mode, hierarchies } = layout.value;
  const named = hierarchies.flatMap(({ kernelControllers }) => kernelControllers);
  const missing = controllers.filter(
    controller =>
      !['pressure', 'freezer'].includes(controller) &&
      !named.includes(controller === 'io' && mode !== 'v2' ? 'blkio' : controller),
  );
  const found = `${mode}: ${hierarchies.map(({ mountPoint }) => mountPoint).join(' ')}`;
  return [
    missing.length === 0
      ? yes('cgroups', found)
      : partly(
          'cgroups',
          found,
          `no ${missing.join(', ')} controller here: the kernel lacks it or it is not enabled (cgroup.subtree_control, or cgroup_enable= at boot); its cases stay undecided`,
        ),
  ];
}

function checkPressure(files: KernelFiles): Check {
  return readHostPressure(files, 'cpu').present
    ? yes('pressure (PSI)', '/proc/pressure')
    : no('pressure (PSI)', 'off', 'kernel 4.20 or later, boot with psi=1');
}

function checkKernelLog(files: KernelFiles): Check {
  const reports = readOomReports(files);
  return reports.present
    ? yes(
        'kernel log',
        `/dev/kmsg, ${reports.value.length} OOM report${reports.value.length === 1 ? '' : 's'} in it`,
      )
    : no('kernel log', reports.because, `OOM kills are told from counters only: ${reports.remedy}`);
}

const programs = ['unshare', 'nsenter', 'setpriv', 'mount', 'ip'];

function checkPrograms(): Check {
  const missing = programs.filter(name => !hasProgram(name));
  return missing.length === 0
    ? yes('lab programs', programs.join(' '))
    : no(
        'lab programs',
        `missing: ${missing.join(' ')}`,
        'labs need them: apt-get install util-linux mount iproute2',
      );
}

const checkTypeInformation = (files: KernelFiles): Check => fromReading('BTF', findTypeInformation(files));

const checkTracing = (files: KernelFiles): Check => fromReading('tracefs', findTracefs(files));

async function checkInstruments(files: KernelFiles): Promise<Check> {
  const states = await examineInstruments(files);
  const [able, unable] = [true, false].map(present =>
    states.filter(({ engine }) => engine.present === present),
  );
  const names = (some: typeof states = []): string => some.map(({ instrument }) => instrument.name).join(' ');
  if (unable === undefined || unable.length === 0) return yes('instruments', names(able));
  const found = able === undefined || able.length === 0 ? 'none can run' : names(able);
  const remedy = `not ${names(unable)}: "glassbox trace list" says why`;
  return found === 'none can run' ? no('instruments', found, remedy) : partly('instruments', found, remedy);
}

const fromReading = (name: string, reading: Reading<string>): Check =>
  reading.present ? yes(name, reading.value) : no(name, reading.because, reading.remedy);

async function checkEngines(files: KernelFiles): Promise<readonly Check[]> {
  const { containers, notices } = await discoverContainers(files);
  const engines = [...new Set(containers.map(({ engine }) => engine))];
  const count = `${containers.length} container${containers.length === 1 ? '' : 's'}`;
  return [
    yes('containers', engines.length === 0 ? 'none' : `${count} of ${engines.join(', ')}`),
    ...notices.map(({ engine, what, remedy }) => no(engine, what, remedy)),
  ];
}
