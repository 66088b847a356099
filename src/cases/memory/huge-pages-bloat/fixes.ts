import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { TransparentHugePages } from '../../../linux/mm/transparent_hugepage.ts';
import type { Reading } from '../../../linux/reading.ts';

const wherever: Fix = {
  action:
    'Turn huge pages off for this program: GLIBC_TUNABLES without glibc.malloc.hugetlb, MALLOC_CONF=thp:never (jemalloc), -XX:-UseTransparentHugePages, or prctl(PR_SET_THP_DISABLE) before it starts',
  effect: 'New memory is made resident by 4 KiB; what is there goes when the program starts again',
  risk: 'More page faults and TLB misses: measure a program that uses its memory densely before and after',
};

const split: Fix = {
  action: 'Or let the kernel take empty ones apart when memory is short (Linux 6.12)',
  command: 'echo 409 > /sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none',
  effect:
    'Huge pages with at least 409 of 512 small pages empty are split by reclaim, the empty part is given back',
  risk: 'Host-wide; khugepaged then makes fewer huge pages of sparse memory',
};

/** Starting with what touches nobody else. */
export function fixesFor(policy: Reading<TransparentHugePages>, { name }: Container): readonly Fix[] {
  if (policy.present && policy.value === 'always')
    return [
      wherever,
      {
        action: 'Or give huge pages only to those that ask: the policy of the host',
        command: 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled',
        effect: `Programs that start from now on, ${name} among them, get huge pages only where they ask for them`,
        risk: 'Host-wide: databases and virtual machines that gain from huge pages without asking get slower',
      },
      split,
    ];
  return [wherever, split];
}
