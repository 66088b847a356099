import type { KernelFiles } from '../files.ts';
import { askTool } from '../net/iproute/run.ts';
import { type Absent, absent, parsed, type Reading } from '../reading.ts';
import { parseIptablesSave } from './iptables-save.ts';
import type { RuleSet } from './model.ts';
import { parseNftables } from './nft-json.ts';

export interface RuleSets {
  readonly sets: readonly RuleSet[];
  /** What could not be read of them. */
  readonly unread: readonly Absent[];
}

/**
 * All rule sets of the network namespace of the calling thread: nf_tables, and x_tables where a table of it exists.
 * Only lists: asking for a legacy table by name would make one.
 */
export function readRuleSets(files: KernelFiles): RuleSets {
  const sets: RuleSet[] = [];
  const unread: Absent[] = [];
  const add = (reading: Reading<RuleSet>): void => {
    if (reading.present) sets.push(reading.value);
    else unread.push(reading);
  };
  const nft = readNftables();
  if (nft.present) {
    sets.push(nft.value.rules);
    for (const family of ['ip', 'ip6']) {
      const names = nft.value.foreign.filter(table => table.family === family).map(({ name }) => name);
      if (names.length > 0) add(only(readSaved(`${family}tables-nft-save` as RuleSet['source']), names));
    }
  } else unread.push(nft);
  for (const [file, source] of [
    ['ip_tables_names', 'iptables-legacy-save'],
    ['ip6_tables_names', 'ip6tables-legacy-save'],
  ] as const) {
    // The file lists the tables that exist; a kernel without x_tables has no such file.
    const names = files.read(`/proc/thread-self/net/${file}`);
    if (names.present && names.value.trim() !== '') add(readSaved(source));
  }
  return { sets, unread };
}

function readNftables() {
  const text = askTool('nft', ['-j', 'list', 'ruleset'], 'nftables');
  if (!text.present)
    return /Operation not supported|Protocol not supported/.test(text.remedy)
      ? ({
          present: true,
          value: { rules: { source: 'nft list ruleset', tables: [] }, foreign: [] },
        } as const)
      : text;
  return parsed('nft -j list ruleset', parseNftables(text.value));
}

function readSaved(source: RuleSet['source']): Reading<RuleSet> {
  const text = askTool(source, ['-c'], 'iptables');
  if (text.present) return parsed(source, parseIptablesSave(text.value, source));
  return text.because === 'disabled'
    ? absent(source, 'disabled', `there are rules that ${source} would show: apt-get install iptables`)
    : text;
}

function only(reading: Reading<RuleSet>, names: readonly string[]): Reading<RuleSet> {
  if (!reading.present) return reading;
  const { source, tables } = reading.value;
  return { present: true, value: { source, tables: tables.filter(({ name }) => names.includes(name)) } };
}
