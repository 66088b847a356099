import { caseOf, isTest, type Layer, layerOf, layers, nodeModules, packages } from './table.ts';

/** One import, as dependency-cruiser sees it. */
export interface Edge {
  readonly from: string;
  /** Path from the checkout's root, or the name of a Node module or package. */
  readonly to: string;
  readonly kind: 'ours' | 'node' | 'package' | 'unresolved';
  readonly typeOnly: boolean;
}

/** What is wrong with an import and what to do, or undefined. Tests beside the sources may look across layers. */
export function judge(edge: Edge): string | undefined {
  if (isTest(edge.from)) return undefined;
  const layer = layerOf(edge.from);
  if (layer === undefined)
    return `${edge.from} is in no known layer. Move it into one of src/{${Object.keys(layers).join(',')}}, or add its layer to scripts/layers/table.ts.`;
  const wrong = { ours: judgeOurs, node: judgeNode, package: judgePackage, unresolved: judgeUnresolved }[
    edge.kind
  ](layer, edge);
  return wrong === undefined ? undefined : `${edge.from} imports ${edge.to}: ${wrong}`;
}

function judgeOurs(layer: Layer, { from, to, typeOnly }: Edge): string | undefined {
  if (isTest(to))
    return 'a test is imported by nobody. Move what is shared to test/support or into a source file.';
  const target = layerOf(to);
  if (target === undefined) return judgeOutside(to, typeOnly);
  if (caseOf(from) !== undefined && caseOf(to) !== undefined && caseOf(from) !== caseOf(to))
    return 'a case does not use another case. Move what they share to src/diagnose (rules) or src/lab (labs).';
  if (target === layer) return undefined;
  const { may, types }: { may: readonly string[]; types: readonly string[] } = layers[layer];
  if (may.includes(target)) return undefined;
  if (!types.includes(target))
    return `${layer} may import ${listed(may, types)}, not ${target}. ${remedies[layer]}`;
  return typeOnly
    ? undefined
    : `${layer} may use only the types of ${target}. Write \`import type\`, or move the function down to where both may import it.`;
}

function judgeOutside(to: string, typeOnly: boolean): string | undefined {
  if (to === 'package.json') return undefined;
  return typeOnly && !to.startsWith('test/')
    ? undefined
    : 'nothing in src/ may need test/, scripts/ or bench/. Move what is shared into src/.';
}

function judgeNode(layer: Layer, { to, typeOnly }: Edge): string | undefined {
  const allowed = nodeModules[to];
  if (allowed === undefined || typeOnly || allowed.includes(layer)) return undefined;
  return `only ${allowed.join(', ')} may use node:${to}. Read kernel files through KernelFiles of src/linux/files.ts; do other work in a layer that may.`;
}

function judgePackage(layer: Layer, { to, typeOnly }: Edge): string | undefined {
  if (layer === 'programs') return 'a program that runs in a lab container uses nothing but Node itself.';
  const allowed = packages[to];
  if (allowed === undefined || typeOnly || allowed.includes(layer)) return undefined;
  return allowed.length === 0
    ? `${to} is a tool, not a part of the program. Nothing in src/ may import it.`
    : `only ${allowed.join(', ')} may use ${to}. Put what needs it there and import that.`;
}

const judgeUnresolved = (): string =>
  'there is no such file or package. Correct the path (imports end in .ts).';

const listed = (may: readonly string[], types: readonly string[]): string =>
  [...may, ...types.map(name => `types of ${name}`)].join(', ') || 'nothing of ours';

const remedies: Readonly<Record<Layer, string>> = {
  linux: 'Pass in what it needs as plain values, or move the code up.',
  containers: 'Pass in what it needs, or move the code up.',
  observe: 'Put what it needs into src/linux, or move the code up.',
  diagnose: 'A diagnosis is a pure function of an Observation: put what it needs into the Observation.',
  rules: 'A rule sees only its facts: add what it needs to src/diagnose/facts.ts.',
  'case-labs': 'A lab states the experiment; the runner in src/lab does the work and asks the diagnosis.',
  programs: 'A program runs alone in a container: write it with Node only.',
  catalogue: 'The index only lists.',
  lab: 'The diagnosis is handed to the lab runner by the command that starts it.',
  vm: 'Pass in what it needs: the virtual machine runs whatever it is given.',
  trace: 'What an instrument finds is handed up as its result.',
  cli: 'Nothing is above the commands.',
};
