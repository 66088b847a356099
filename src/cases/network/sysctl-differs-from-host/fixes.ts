import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import type { Difference } from './compare.ts';

/**
 * Sysctls that a pod may set without the kubelet's permission
 * (kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster; the last ones since 1.29 and 1.32).
 */
const safeInKubernetes: ReadonlySet<string> = new Set([
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

export function fixesFor(container: Container, differences: readonly Difference[]): readonly Fix[] {
  const visible = differences.filter(difference => difference.container !== undefined);
  if (visible.length === 0) return [shareUserNamespace];
  return [atCreation(container, visible), byHand(container, visible)];
}

function atCreation({ engine, pod }: Container, differences: readonly Difference[]): Fix {
  const effect = 'The container starts with it, before its program does';
  const risk = 'It must be made again; take over what it needs, not all that the host was tuned for';
  if (pod !== null) {
    const unsafe = differences.map(({ name }) => name).filter(name => !safeInKubernetes.has(name));
    const permission =
      unsafe.length === 0
        ? ''
        : `; the kubelet must allow ${unsafe.join(',')} (--allowed-unsafe-sysctls), or the pod does not start`;
    const list = differences.map(({ name, host }) => `{name: ${name}, value: "${host}"}`).join(', ');
    return {
      action: `In the pod: spec.securityContext.sysctls: [${list}]${permission}`,
      effect: 'All containers of the pod start with the value.',
      risk,
    };
  }
  switch (engine) {
    case 'lxc':
      return {
        action: `In its configuration: ${differences.map(({ name, host }) => `lxc.sysctl.${name} = ${host}`).join('; ')}`,
        effect,
        risk,
      };
    case 'bare':
    case 'nspawn':
      return { action: 'Let whoever makes the namespace write the value there first', effect, risk };
    case 'runc':
    case 'crun':
      return {
        action: `In config.json: linux.sysctl {${differences.map(({ name, host }) => `"${name}": "${host}"`).join(', ')}}`,
        effect,
        risk,
      };
    default: {
      const options = differences.map(({ name, host }) => `--sysctl ${shellWord(`${name}=${host}`)}`);
      const program = engine === 'podman' ? 'podman' : engine === 'docker' ? 'docker' : 'nerdctl';
      return {
        action: `Set it at creation: ${program} run ${options.join(' ')} …`,
        effect,
        risk,
      };
    }
  }
}

const byHand = ({ init }: Container, differences: readonly Difference[]): Fix => ({
  action: 'Now, from the host, into its network namespace only',
  command: `nsenter -t ${init ?? '<pid>'} -n sysctl -w ${differences.map(({ name, host }) => shellWord(`${name}=${host}`)).join(' ')}`,
  effect: 'Acts on new connections; listening sockets keep their old limit',
  risk: 'Lost when the namespace ends; acts for all containers that share it',
});

const shareUserNamespace: Fix = {
  action: 'Make the network namespace outside of the user namespace, or use a newer kernel',
  effect: 'The kernel then shows the values inside, and they can be set at creation.',
  risk: 'Root in the container gets no rights over that namespace.',
};
