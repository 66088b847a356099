import type { Container } from './container.ts';

/** Where the kubelet (also for CRI-O) and containerd's CRI plug-in keep a container's place in its pod. */
const labelSets = [
  {
    namespace: 'io.kubernetes.pod.namespace',
    name: 'io.kubernetes.pod.name',
    container: 'io.kubernetes.container.name',
  },
  {
    namespace: 'io.kubernetes.cri.sandbox-namespace',
    name: 'io.kubernetes.cri.sandbox-name',
    container: 'io.kubernetes.cri.container-name',
  },
] as const;

/** The sandbox that holds a pod's namespaces goes by this name, as the kubelet calls it. */
export const sandboxName = 'POD';

/** A container's pod by its labels or annotations; a sandbox that has no container name is called POD. */
export function podFromLabels(labels: Readonly<Record<string, string>>): Container['pod'] {
  for (const keys of labelSets) {
    const [namespace, name] = [labels[keys.namespace], labels[keys.name]];
    if (namespace !== undefined && name !== undefined) {
      return { namespace, name, container: labels[keys.container] ?? sandboxName };
    }
  }
  return null;
}
