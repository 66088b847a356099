import { capabilityName } from '../linux/capabilities.ts';
import type { CommonFacts } from './facts.ts';
import type { Fix } from './verdict.ts';

/** What a container turned out to need of what it was given. */
export interface Needed {
  /** Numbers; null when nobody has watched which it uses. */
  readonly capabilities: readonly number[] | null;
  /** Device nodes that it uses: `/dev/net/tun`. */
  readonly devices?: readonly string[];
}

/** The smallest set that covers it, as the engine's flags and as a pod's securityContext. */
export function leastPrivilege(
  { engine, pod }: Pick<CommonFacts['container'], 'engine' | 'pod'>,
  needed: Needed,
): Pick<Fix, 'action' | 'command'> {
  const flags = dockerFlags(needed);
  const context = securityContext(needed);
  if (pod !== null) return { action: `In the pod spec: securityContext: ${context}` };
  const command = engine === 'podman' ? `podman run ${flags} …` : `docker run ${flags} …`;
  return engine === 'bare'
    ? { action: `Drop the rest: ${setprivFlags(needed)}. As flags of Docker: ${flags}. In a pod: ${context}` }
    : { action: `Start it with what it needs; in a pod: securityContext: ${context}`, command };
}

const add = ({ capabilities }: Needed): readonly string[] =>
  capabilities === null ? ['…'] : capabilities.map(capabilityName);

const dockerFlags = (needed: Needed): string =>
  [
    '--cap-drop ALL',
    ...add(needed).map(name => `--cap-add ${name}`),
    ...(needed.devices ?? []).map(path => `--device ${path}`),
    '--security-opt no-new-privileges',
  ].join(' ');

const securityContext = (needed: Needed): string => {
  const added = add(needed);
  const adding = added.length === 0 ? '' : `, add: [${added.join(', ')}]`;
  return `{privileged: false, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]${adding}}, seccompProfile: {type: RuntimeDefault}}`;
};

const setprivFlags = (needed: Needed): string =>
  `setpriv --no-new-privs --inh-caps=-all --bounding-set=${['-all', ...add(needed).map(name => `+${name.toLowerCase()}`)].join(',')} …`;
