import type { Outcome } from './outcomes.ts';

/** How the verdicts on one problem differ between cgroup versions, a sentence for each way. */
export function differencesIn(outcomes: readonly Outcome[]): readonly string[] {
  const told = outcomes.flatMap(({ cgroups, verdict }) =>
    verdict === undefined ? [] : [{ cgroups, verdict }],
  );
  const by = (property: 'severity' | 'certainty'): readonly string[] =>
    new Set(told.map(({ verdict }) => verdict[property])).size < 2
      ? []
      : [told.map(({ cgroups, verdict }) => `${verdict[property]} on ${cgroups}`).join(', ')];
  const words = told.map(({ cgroups, verdict }) => ({ cgroups, said: wordsOf(verdict.summary) }));
  const extra = words.flatMap(({ cgroups, said }) => {
    const others = words.filter(other => other.cgroups !== cgroups);
    const alone = [...said].filter(word => !others.some(other => other.said.has(word)));
    return others.length === 0 || alone.length === 0 ? [] : [`only ${cgroups} says “${alone.join(' ')}”`];
  });
  return [...by('severity'), ...by('certainty'), ...(extra.length === 0 ? [] : [extra.join('; ')])];
}

/** Without figures, paths, pids and what is quoted: they are of one container. One and many are the same. */
function wordsOf(summary: string): ReadonlySet<string> {
  const plain = summary
    .replaceAll(/\/[^\s,;:]+/g, ' ')
    .replaceAll(/"[^"]*"/g, ' ')
    .replaceAll(/\d[\d.,]*\s?(%|[KMGT]?i?B|[mun]?s|min|h)?(?![A-Za-z])/g, ' ');
  return new Set(
    plain.match(/[A-Za-z_.]*[A-Za-z]{3,}/g)?.map(word => word.toLowerCase().replace(/s$/, '')) ?? [],
  );
}
