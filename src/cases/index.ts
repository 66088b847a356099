import { type CatalogueEntry, entry } from './entry.ts';
import { definition as cgroupOom } from './memory/cgroup-oom/case.ts';
import { lab as cgroupOomLab } from './memory/cgroup-oom/lab.ts';
import { rule as cgroupOomRule } from './memory/cgroup-oom/rule.ts';
import { definition as highLimitThrottles } from './memory/high-limit-throttles/case.ts';
import { lab as highLimitThrottlesLab } from './memory/high-limit-throttles/lab.ts';
import { rule as highLimitThrottlesRule } from './memory/high-limit-throttles/rule.ts';
import { definition as hostOom } from './memory/host-oom/case.ts';
import { lab as hostOomLab } from './memory/host-oom/lab.ts';
import { rule as hostOomRule } from './memory/host-oom/rule.ts';
import { definition as hugePagesBloat } from './memory/huge-pages-bloat/case.ts';
import { lab as hugePagesBloatLab } from './memory/huge-pages-bloat/lab.ts';
import { rule as hugePagesBloatRule } from './memory/huge-pages-bloat/rule.ts';
import { definition as hugePagesExhausted } from './memory/huge-pages-exhausted/case.ts';
import { lab as hugePagesExhaustedLab } from './memory/huge-pages-exhausted/lab.ts';
import { rule as hugePagesExhaustedRule } from './memory/huge-pages-exhausted/rule.ts';
import { definition as ipcNotShared } from './memory/ipc-not-shared/case.ts';
import { lab as ipcNotSharedLab } from './memory/ipc-not-shared/lab.ts';
import { rule as ipcNotSharedRule } from './memory/ipc-not-shared/rule.ts';
import { definition as kernelMemoryCharged } from './memory/kernel-memory-charged/case.ts';
import { lab as kernelMemoryChargedLab } from './memory/kernel-memory-charged/lab.ts';
import { rule as kernelMemoryChargedRule } from './memory/kernel-memory-charged/rule.ts';
import { definition as pageCacheFillsLimit } from './memory/page-cache-fills-limit/case.ts';
import { lab as pageCacheFillsLimitLab } from './memory/page-cache-fills-limit/lab.ts';
import { rule as pageCacheFillsLimitRule } from './memory/page-cache-fills-limit/rule.ts';
import { definition as reclaimStalls } from './memory/reclaim-stalls/case.ts';
import { lab as reclaimStallsLab } from './memory/reclaim-stalls/lab.ts';
import { rule as reclaimStallsRule } from './memory/reclaim-stalls/rule.ts';
import { definition as sharedMemoryCharged } from './memory/shared-memory-charged/case.ts';
import { lab as sharedMemoryChargedLab } from './memory/shared-memory-charged/lab.ts';
import { rule as sharedMemoryChargedRule } from './memory/shared-memory-charged/rule.ts';
import { definition as shmFull } from './memory/shm-full/case.ts';
import { lab as shmFullLab } from './memory/shm-full/lab.ts';
import { rule as shmFullRule } from './memory/shm-full/rule.ts';
import { definition as swapping } from './memory/swapping/case.ts';
import { lab as swappingLab } from './memory/swapping/lab.ts';
import { rule as swappingRule } from './memory/swapping/rule.ts';
import { definition as addressConflict } from './network/address-conflict/case.ts';
import { lab as addressConflictLab } from './network/address-conflict/lab.ts';
import { rule as addressConflictRule } from './network/address-conflict/rule.ts';
import { definition as conntrackTableFull } from './network/conntrack-table-full/case.ts';
import { lab as conntrackTableFullLab } from './network/conntrack-table-full/lab.ts';
import { rule as conntrackTableFullRule } from './network/conntrack-table-full/rule.ts';
import { definition as firewallDrops } from './network/firewall-drops/case.ts';
import { lab as firewallDropsLab } from './network/firewall-drops/lab.ts';
import { rule as firewallDropsRule } from './network/firewall-drops/rule.ts';
import { definition as forwardingOff } from './network/forwarding-off/case.ts';
import { lab as forwardingOffLab } from './network/forwarding-off/lab.ts';
import { rule as forwardingOffRule } from './network/forwarding-off/rule.ts';
import { definition as ipvsTimerHoldsCpu } from './network/ipvs-timer-holds-cpu/case.ts';
import { lab as ipvsTimerHoldsCpuLab } from './network/ipvs-timer-holds-cpu/lab.ts';
import { rule as ipvsTimerHoldsCpuRule } from './network/ipvs-timer-holds-cpu/rule.ts';
import { definition as linkDown } from './network/link-down/case.ts';
import { lab as linkDownLab } from './network/link-down/lab.ts';
import { rule as linkDownRule } from './network/link-down/rule.ts';
import { definition as listenQueueOverflow } from './network/listen-queue-overflow/case.ts';
import { lab as listenQueueOverflowLab } from './network/listen-queue-overflow/lab.ts';
import { rule as listenQueueOverflowRule } from './network/listen-queue-overflow/rule.ts';
import { definition as mtuBlackHole } from './network/mtu-black-hole/case.ts';
import { lab as mtuBlackHoleLab } from './network/mtu-black-hole/lab.ts';
import { rule as mtuBlackHoleRule } from './network/mtu-black-hole/rule.ts';
import { definition as portServedByProxy } from './network/port-served-by-proxy/case.ts';
import { lab as portServedByProxyLab } from './network/port-served-by-proxy/lab.ts';
import { rule as portServedByProxyRule } from './network/port-served-by-proxy/rule.ts';
import { definition as portsExhausted } from './network/ports-exhausted/case.ts';
import { lab as portsExhaustedLab } from './network/ports-exhausted/lab.ts';
import { rule as portsExhaustedRule } from './network/ports-exhausted/rule.ts';
import { definition as reordering } from './network/reordering/case.ts';
import { lab as reorderingLab } from './network/reordering/lab.ts';
import { rule as reorderingRule } from './network/reordering/rule.ts';
import { definition as retransmissions } from './network/retransmissions/case.ts';
import { lab as retransmissionsLab } from './network/retransmissions/lab.ts';
import { rule as retransmissionsRule } from './network/retransmissions/rule.ts';
import { definition as returnRouteMissing } from './network/return-route-missing/case.ts';
import { lab as returnRouteMissingLab } from './network/return-route-missing/lab.ts';
import { rule as returnRouteMissingRule } from './network/return-route-missing/rule.ts';
import { definition as routeMissing } from './network/route-missing/case.ts';
import { lab as routeMissingLab } from './network/route-missing/lab.ts';
import { rule as routeMissingRule } from './network/route-missing/rule.ts';
import { definition as sendQueueStuck } from './network/send-queue-stuck/case.ts';
import { lab as sendQueueStuckLab } from './network/send-queue-stuck/lab.ts';
import { rule as sendQueueStuckRule } from './network/send-queue-stuck/rule.ts';
import { definition as softirqDelay } from './network/softirq-delay/case.ts';
import { lab as softirqDelayLab } from './network/softirq-delay/lab.ts';
import { rule as softirqDelayRule } from './network/softirq-delay/rule.ts';
import { definition as sysctlDiffersFromHost } from './network/sysctl-differs-from-host/case.ts';
import { lab as sysctlDiffersFromHostLab } from './network/sysctl-differs-from-host/lab.ts';
import { rule as sysctlDiffersFromHostRule } from './network/sysctl-differs-from-host/rule.ts';
import { definition as trafficControlDrops } from './network/traffic-control-drops/case.ts';
import { lab as trafficControlDropsLab } from './network/traffic-control-drops/lab.ts';
import { rule as trafficControlDropsRule } from './network/traffic-control-drops/rule.ts';
import { definition as vethCost } from './network/veth-cost/case.ts';
import { lab as vethCostLab } from './network/veth-cost/lab.ts';
import { rule as vethCostRule } from './network/veth-cost/rule.ts';
import { definition as cpuStarvedByNeighbour } from './process/cpu-starved-by-neighbour/case.ts';
import { lab as cpuStarvedByNeighbourLab } from './process/cpu-starved-by-neighbour/lab.ts';
import { rule as cpuStarvedByNeighbourRule } from './process/cpu-starved-by-neighbour/rule.ts';
import { definition as cpuThrottled } from './process/cpu-throttled/case.ts';
import { lab as cpuThrottledLab } from './process/cpu-throttled/lab.ts';
import { rule as cpuThrottledRule } from './process/cpu-throttled/rule.ts';
import { definition as cpuViewIsHost } from './process/cpu-view-is-host/case.ts';
import { lab as cpuViewIsHostLab } from './process/cpu-view-is-host/lab.ts';
import { rule as cpuViewIsHostRule } from './process/cpu-view-is-host/rule.ts';
import { definition as initIgnoresSignal } from './process/init-ignores-signal/case.ts';
import { lab as initIgnoresSignalLab } from './process/init-ignores-signal/lab.ts';
import { rule as initIgnoresSignalRule } from './process/init-ignores-signal/rule.ts';
import { definition as loadFromBlockedTasks } from './process/load-from-blocked-tasks/case.ts';
import { lab as loadFromBlockedTasksLab } from './process/load-from-blocked-tasks/lab.ts';
import { rule as loadFromBlockedTasksRule } from './process/load-from-blocked-tasks/rule.ts';
import { definition as pidsLimitReached } from './process/pids-limit-reached/case.ts';
import { lab as pidsLimitReachedLab } from './process/pids-limit-reached/lab.ts';
import { rule as pidsLimitReachedRule } from './process/pids-limit-reached/rule.ts';
import { definition as stopLosesChildren } from './process/stop-loses-children/case.ts';
import { lab as stopLosesChildrenLab } from './process/stop-loses-children/lab.ts';
import { rule as stopLosesChildrenRule } from './process/stop-loses-children/rule.ts';
import { definition as zombiesNotReaped } from './process/zombies-not-reaped/case.ts';
import { lab as zombiesNotReapedLab } from './process/zombies-not-reaped/lab.ts';
import { rule as zombiesNotReapedRule } from './process/zombies-not-reaped/rule.ts';
import { definition as capabilitiesExcessive } from './security/capabilities-excessive/case.ts';
import { lab as capabilitiesExcessiveLab } from './security/capabilities-excessive/lab.ts';
import { rule as capabilitiesExcessiveRule } from './security/capabilities-excessive/rule.ts';
import { definition as capabilityMissing } from './security/capability-missing/case.ts';
import { lab as capabilityMissingLab } from './security/capability-missing/lab.ts';
import { rule as capabilityMissingRule } from './security/capability-missing/rule.ts';
import { definition as hostShared } from './security/host-shared/case.ts';
import { lab as hostSharedLab } from './security/host-shared/lab.ts';
import { rule as hostSharedRule } from './security/host-shared/rule.ts';
import { definition as privileged } from './security/privileged/case.ts';
import { lab as privilegedLab } from './security/privileged/lab.ts';
import { rule as privilegedRule } from './security/privileged/rule.ts';
import { definition as resourcesUnlimited } from './security/resources-unlimited/case.ts';
import { lab as resourcesUnlimitedLab } from './security/resources-unlimited/lab.ts';
import { rule as resourcesUnlimitedRule } from './security/resources-unlimited/rule.ts';
import { definition as rootIsHostRoot } from './security/root-is-host-root/case.ts';
import { lab as rootIsHostRootLab } from './security/root-is-host-root/lab.ts';
import { rule as rootIsHostRootRule } from './security/root-is-host-root/rule.ts';
import { definition as seccompDenied } from './security/seccomp-denied/case.ts';
import { lab as seccompDeniedLab } from './security/seccomp-denied/lab.ts';
import { rule as seccompDeniedRule } from './security/seccomp-denied/rule.ts';
import { definition as uidLimitsShared } from './security/uid-limits-shared/case.ts';
import { lab as uidLimitsSharedLab } from './security/uid-limits-shared/lab.ts';
import { rule as uidLimitsSharedRule } from './security/uid-limits-shared/rule.ts';
import { definition as unexpectedExec } from './security/unexpected-exec/case.ts';
import { lab as unexpectedExecLab } from './security/unexpected-exec/lab.ts';
import { rule as unexpectedExecRule } from './security/unexpected-exec/rule.ts';
import { definition as bufferedWritesEscapeThrottle } from './storage/buffered-writes-escape-throttle/case.ts';
import { lab as bufferedWritesEscapeThrottleLab } from './storage/buffered-writes-escape-throttle/lab.ts';
import { rule as bufferedWritesEscapeThrottleRule } from './storage/buffered-writes-escape-throttle/rule.ts';
import { definition as deletedButOpen } from './storage/deleted-but-open/case.ts';
import { lab as deletedButOpenLab } from './storage/deleted-but-open/lab.ts';
import { rule as deletedButOpenRule } from './storage/deleted-but-open/rule.ts';
import { definition as diskFilledByContainer } from './storage/disk-filled-by-container/case.ts';
import { lab as diskFilledByContainerLab } from './storage/disk-filled-by-container/lab.ts';
import { rule as diskFilledByContainerRule } from './storage/disk-filled-by-container/rule.ts';
import { definition as inodesExhausted } from './storage/inodes-exhausted/case.ts';
import { lab as inodesExhaustedLab } from './storage/inodes-exhausted/lab.ts';
import { rule as inodesExhaustedRule } from './storage/inodes-exhausted/rule.ts';
import { definition as ioStarvedByNeighbour } from './storage/io-starved-by-neighbour/case.ts';
import { lab as ioStarvedByNeighbourLab } from './storage/io-starved-by-neighbour/lab.ts';
import { rule as ioStarvedByNeighbourRule } from './storage/io-starved-by-neighbour/rule.ts';
import { definition as ioThrottled } from './storage/io-throttled/case.ts';
import { lab as ioThrottledLab } from './storage/io-throttled/lab.ts';
import { rule as ioThrottledRule } from './storage/io-throttled/rule.ts';
import { definition as overlayCopyUp } from './storage/overlay-copy-up/case.ts';
import { lab as overlayCopyUpLab } from './storage/overlay-copy-up/lab.ts';
import { rule as overlayCopyUpRule } from './storage/overlay-copy-up/rule.ts';
import { definition as quotaReached } from './storage/quota-reached/case.ts';
import { lab as quotaReachedLab } from './storage/quota-reached/lab.ts';
import { rule as quotaReachedRule } from './storage/quota-reached/rule.ts';
import { definition as writebackStalls } from './storage/writeback-stalls/case.ts';
import { lab as writebackStallsLab } from './storage/writeback-stalls/lab.ts';
import { rule as writebackStallsRule } from './storage/writeback-stalls/rule.ts';

/** The catalogue, in the order it is shown. Nothing registers itself: a case is here or it does not exist. */
export const catalogue: readonly CatalogueEntry[] = [
  entry(initIgnoresSignal, initIgnoresSignalRule, initIgnoresSignalLab),
  entry(zombiesNotReaped, zombiesNotReapedRule, zombiesNotReapedLab),
  entry(cpuThrottled, cpuThrottledRule, cpuThrottledLab),
  entry(cpuStarvedByNeighbour, cpuStarvedByNeighbourRule, cpuStarvedByNeighbourLab),
  entry(loadFromBlockedTasks, loadFromBlockedTasksRule, loadFromBlockedTasksLab),
  entry(cgroupOom, cgroupOomRule, cgroupOomLab),
  entry(pageCacheFillsLimit, pageCacheFillsLimitRule, pageCacheFillsLimitLab),
  entry(sharedMemoryCharged, sharedMemoryChargedRule, sharedMemoryChargedLab),
  entry(kernelMemoryCharged, kernelMemoryChargedRule, kernelMemoryChargedLab),
  entry(shmFull, shmFullRule, shmFullLab),
  entry(ipcNotShared, ipcNotSharedRule, ipcNotSharedLab),
  entry(swapping, swappingRule, swappingLab),
  entry(reclaimStalls, reclaimStallsRule, reclaimStallsLab),
  entry(hugePagesExhausted, hugePagesExhaustedRule, hugePagesExhaustedLab),
  entry(hugePagesBloat, hugePagesBloatRule, hugePagesBloatLab),
  entry(deletedButOpen, deletedButOpenRule, deletedButOpenLab),
  entry(listenQueueOverflow, listenQueueOverflowRule, listenQueueOverflowLab),
  entry(sysctlDiffersFromHost, sysctlDiffersFromHostRule, sysctlDiffersFromHostLab),
  entry(rootIsHostRoot, rootIsHostRootRule, rootIsHostRootLab),
  entry(hostShared, hostSharedRule, hostSharedLab),
  entry(resourcesUnlimited, resourcesUnlimitedRule, resourcesUnlimitedLab),
  entry(pidsLimitReached, pidsLimitReachedRule, pidsLimitReachedLab),
  entry(stopLosesChildren, stopLosesChildrenRule, stopLosesChildrenLab),
  entry(cpuViewIsHost, cpuViewIsHostRule, cpuViewIsHostLab),
  entry(privileged, privilegedRule, privilegedLab),
  entry(portsExhausted, portsExhaustedRule, portsExhaustedLab),
  entry(sendQueueStuck, sendQueueStuckRule, sendQueueStuckLab),
  entry(uidLimitsShared, uidLimitsSharedRule, uidLimitsSharedLab),
  entry(conntrackTableFull, conntrackTableFullRule, conntrackTableFullLab),
  entry(inodesExhausted, inodesExhaustedRule, inodesExhaustedLab),
  entry(quotaReached, quotaReachedRule, quotaReachedLab),
  entry(diskFilledByContainer, diskFilledByContainerRule, diskFilledByContainerLab),
  entry(retransmissions, retransmissionsRule, retransmissionsLab),
  entry(reordering, reorderingRule, reorderingLab),
  entry(linkDown, linkDownRule, linkDownLab),
  entry(routeMissing, routeMissingRule, routeMissingLab),
  entry(returnRouteMissing, returnRouteMissingRule, returnRouteMissingLab),
  entry(forwardingOff, forwardingOffRule, forwardingOffLab),
  entry(firewallDrops, firewallDropsRule, firewallDropsLab),
  entry(mtuBlackHole, mtuBlackHoleRule, mtuBlackHoleLab),
  entry(addressConflict, addressConflictRule, addressConflictLab),
  entry(capabilityMissing, capabilityMissingRule, capabilityMissingLab),
  entry(capabilitiesExcessive, capabilitiesExcessiveRule, capabilitiesExcessiveLab),
  entry(seccompDenied, seccompDeniedRule, seccompDeniedLab),
  entry(ioThrottled, ioThrottledRule, ioThrottledLab),
  entry(bufferedWritesEscapeThrottle, bufferedWritesEscapeThrottleRule, bufferedWritesEscapeThrottleLab),
  entry(unexpectedExec, unexpectedExecRule, unexpectedExecLab),
  entry(softirqDelay, softirqDelayRule, softirqDelayLab),
  entry(writebackStalls, writebackStallsRule, writebackStallsLab),
  entry(hostOom, hostOomRule, hostOomLab),
  entry(ipvsTimerHoldsCpu, ipvsTimerHoldsCpuRule, ipvsTimerHoldsCpuLab),
  entry(portServedByProxy, portServedByProxyRule, portServedByProxyLab),
  entry(overlayCopyUp, overlayCopyUpRule, overlayCopyUpLab),
  entry(vethCost, vethCostRule, vethCostLab),
  entry(ioStarvedByNeighbour, ioStarvedByNeighbourRule, ioStarvedByNeighbourLab),
  entry(trafficControlDrops, trafficControlDropsRule, trafficControlDropsLab),
  entry(highLimitThrottles, highLimitThrottlesRule, highLimitThrottlesLab),
];
