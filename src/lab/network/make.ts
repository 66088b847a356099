import type { Journal } from '../journal.ts';
import { identify } from '../processes.ts';
import { runInside } from '../run-inside.ts';
import { startHost } from './host.ts';
import type { LabHost, LabNetwork, LinkEnd, NetworkPlace } from './network.ts';

/**
 * Nothing here needs an undo of its own: devices, addresses, routes and rules live in namespaces, which end with the
 * processes that hold them, and those are in the journal.
 */
export function makeNetwork(journal: Journal): LabNetwork {
  const run = async (on: NetworkPlace, command: readonly string[]): Promise<string> => {
    const { code, output } = await attempt(journal.run, on, command);
    if (code !== 0)
      throw new Error(`${on.name}: ${command.join(' ')}: ${output.trim() || `exit code ${code}`}`);
    return output;
  };
  return {
    run,
    host: async (name, options = {}) => {
      const bare = await startHost(journal, name);
      const host: LabHost = {
        ...bare,
        run: command => run(bare, command),
        attempt: command => attempt(journal.run, bare, command),
        set: sysctls => setSysctls(run, bare, sysctls),
      };
      await host.set({ 'net.ipv4.ip_forward': options.forward === true ? '1' : '0', ...options.sysctls });
      return host;
    },
    link: async (one, other) => {
      const [first, second] = [one, other].map(({ device = 'eth0' }) => device);
      // Both ends are made where they belong: neither is ever in the namespace of the host.
      const peer = ['peer', 'name', second ?? '', 'netns', String(other.on.init)];
      await run(one.on, ['ip', 'link', 'add', first ?? '', 'type', 'veth', ...peer]);
      for (const end of [one, other]) await setUp(run, end);
      for (const end of [one, other])
        if (end.gateway !== undefined)
          await run(end.on, ['ip', 'route', 'add', 'default', 'via', end.gateway]);
    },
    bridge: async (on, device, addresses = []) => {
      await run(on, ['ip', 'link', 'add', device, 'type', 'bridge']);
      await setUp(run, { on, device, addresses });
    },
  };
}

type Run = LabNetwork['run'];

function attempt(
  run: string,
  { name, init }: NetworkPlace,
  command: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  const identity = identify(init);
  if (identity === undefined) throw new Error(`${name} has ended`);
  return runInside(run, identity, command, ['net']);
}

async function setUp(run: Run, end: LinkEnd): Promise<void> {
  const { on, device = 'eth0', addresses = [], mtu, bridge } = end;
  if (device.length < 2) throw new Error(`${on.name}: a device needs a name of two letters, not ${device}`);
  const settings = [
    ...(mtu === undefined ? [] : ['mtu', String(mtu)]),
    ...(bridge === undefined ? [] : ['master', bridge]),
  ];
  // Without waiting for duplicate addresses, an IPv6 address can be used at once.
  for (const address of addresses)
    await run(on, [
      'ip',
      'address',
      'add',
      address,
      'dev',
      device,
      ...(address.includes(':') ? ['nodad'] : []),
    ]);
  await run(on, ['ip', 'link', 'set', 'dev', device, ...settings, 'up']);
}

/** `sysctl` is not on every host; the files are, and show the network namespace of who opens them. */
async function setSysctls(
  run: Run,
  on: NetworkPlace,
  sysctls: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [key, value] of Object.entries(sysctls)) {
    const file = `/proc/sys/${key.replaceAll('.', '/')}`;
    await run(on, ['sh', '-c', 'echo "$1" > "$2"', 'sh', value, file]);
  }
}
