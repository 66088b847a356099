import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';

export function fixesFor({ pod }: Container): readonly Fix[] {
  return [
    {
      action: 'Run the host on cgroup v2 (systemd.unified_cgroup_hierarchy=1 at boot), with io.max',
      effect:
        'Write-back counts for the cgroup that wrote, on ext4, XFS, btrfs and f2fs, and its writer is slowed down',
      risk: `A reboot; ${pod === null ? 'engines' : 'the kubelet and engines'} have to know cgroup v2, all current ones do`,
    },
    {
      action:
        'Let the program write past the page cache (O_DIRECT), or sync what it wrote in small steps (O_DSYNC, fsync)',
      effect: 'It issues the I/O itself, in its own cgroup, and the limit holds',
      risk: 'Each write takes as long as the disk needs',
    },
    {
      action:
        'Bound its page cache instead: a memory limit that leaves little room for dirty pages, vm.dirty_bytes for the host',
      effect: 'Less can pile up before the writer has to wait',
      risk: 'vm.dirty_bytes is for all; a small memory limit costs cache hits',
    },
  ];
}
