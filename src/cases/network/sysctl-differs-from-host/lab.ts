import type { ContainerSpec, Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import {
  isInterfaceSetting,
  readNewNamespace,
  readSysctls,
  readSysctlsOf,
  type Sysctls,
} from '../../../linux/net/sysctl.ts';

/**
 * A tuned host cannot be played by anything else: what counts is a host value that differs from a new namespace's
 * start value, and a container with a value of its own is what the rule calls "chosen". So the host is tuned, by
 * one second in two hours, and only if nobody has tuned that value before.
 */
const name = 'net.ipv4.tcp_keepalive_time';
const files = openKernelFiles();

const box = (sysctls: Sysctls): ContainerSpec => ({
  name: 'tuning',
  program: { kind: 'shell', script: 'trap exit TERM; echo up; sleep 600 & wait' },
  sysctls,
});

async function start(bench: LabBench, sysctls: Sysctls): Promise<LabContainer> {
  const container = await bench.container(box(sysctls));
  await container.line(/^up$/);
  return container;
}

const startValues = (): Sysctls => {
  const made = readNewNamespace(files);
  if (!made.present) throw new Error(`${made.what}: ${made.remedy}`);
  return Object.fromEntries(Object.entries(made.value.own).filter(([key]) => !isInterfaceSetting(key)));
};

/** What the host has and a new namespace has not: everything that a container must be given to be like the host. */
function tunedOnHost(): Sysctls {
  const fresh = startValues();
  const host = readSysctls(files, Object.keys(fresh));
  return Object.fromEntries(Object.entries(host).filter(([key, value]) => fresh[key] !== value));
}

async function tuneHost(bench: LabBench): Promise<void> {
  const host = await bench.tuneHost();
  const start = Number(startValues()[name]);
  if (Number(readSysctls(files, [name])[name]) === start) host.set(name, String(start - 1));
}

/** Values that the host has been given and this container has not. */
function countMissing({ init }: LabContainer): number {
  const tuned = tunedOnHost();
  const inside = readSysctlsOf(files, init, Object.keys(tuned));
  if (!inside.present) throw new Error(`${inside.what}: ${inside.remedy}`);
  return Object.entries(tuned).filter(([key, value]) => inside.value[key] !== value).length;
}

export const lab: Lab = {
  makes: `three containers, one after the other; if nobody has tuned ${name} on this host, it is one second lower until the end (7199 for 7200) and then put back; changes nothing else`,
  seconds: 5,
  needs: [],
  healthy: {
    says: 'a container that was given all that is tuned on the host',
    start: async bench => {
      // From here on no other run tunes the host, so that both twins meet the same one.
      await bench.tuneHost();
      return start(bench, tunedOnHost());
    },
  },
  problem: {
    says: `${name} tuned on the host, the container made as always`,
    start: async bench => {
      await tuneHost(bench);
      return start(bench, {});
    },
  },
  fix: {
    says: "the container made again with the host's value (--sysctl)",
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, tunedOnHost());
    },
  },
  figures: [{ name: 'tuned values that did not arrive', unit: 'count', read: countMissing }],
};
