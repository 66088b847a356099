import { type CatalogueEntry, entry } from './entry.ts';
import { definition as listenQueueOverflow } from './network/listen-queue-overflow/case.ts';
import { lab as listenQueueOverflowLab } from './network/listen-queue-overflow/lab.ts';
import { rule as listenQueueOverflowRule } from './network/listen-queue-overflow/rule.ts';
import { definition as sysctlDiffersFromHost } from './network/sysctl-differs-from-host/case.ts';
import { lab as sysctlDiffersFromHostLab } from './network/sysctl-differs-from-host/lab.ts';
import { rule as sysctlDiffersFromHostRule } from './network/sysctl-differs-from-host/rule.ts';
import { definition as cpuThrottled } from './process/cpu-throttled/case.ts';
import { lab as cpuThrottledLab } from './process/cpu-throttled/lab.ts';
import { rule as cpuThrottledRule } from './process/cpu-throttled/rule.ts';
import { definition as initIgnoresSignal } from './process/init-ignores-signal/case.ts';
import { lab as initIgnoresSignalLab } from './process/init-ignores-signal/lab.ts';
import { rule as initIgnoresSignalRule } from './process/init-ignores-signal/rule.ts';
import { definition as zombiesNotReaped } from './process/zombies-not-reaped/case.ts';
import { lab as zombiesNotReapedLab } from './process/zombies-not-reaped/lab.ts';
import { rule as zombiesNotReapedRule } from './process/zombies-not-reaped/rule.ts';
import { definition as deletedButOpen } from './storage/deleted-but-open/case.ts';
import { lab as deletedButOpenLab } from './storage/deleted-but-open/lab.ts';
import { rule as deletedButOpenRule } from './storage/deleted-but-open/rule.ts';

/** The catalogue, in the order it is shown. Nothing registers itself: a case is here or it does not exist. */
export const catalogue: readonly CatalogueEntry[] = [
  entry(initIgnoresSignal, initIgnoresSignalRule, initIgnoresSignalLab),
  entry(zombiesNotReaped, zombiesNotReapedRule, zombiesNotReapedLab),
  entry(cpuThrottled, cpuThrottledRule, cpuThrottledLab),
  entry(deletedButOpen, deletedButOpenRule, deletedButOpenLab),
  entry(listenQueueOverflow, listenQueueOverflowRule, listenQueueOverflowLab),
  entry(sysctlDiffersFromHost, sysctlDiffersFromHostRule, sysctlDiffersFromHostLab),
];
