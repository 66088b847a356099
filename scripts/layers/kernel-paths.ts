import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { isTest, layerOf } from './table.ts';

/** Functions that open what they are given: those of KernelFiles, of node:fs and of node:child_process. */
const opens =
  /^(?:read|list|link|status|open|readdir|readlink|stat|lstat|access|exists|write|append|mkdir|rmdir|rm|unlink|opendir|createReadStream|createWriteStream|readFile|writeFile|appendFile|statfs|realpath|exec|execFile|spawn)(?:Sync)?$/;
const kernelPath = /^\/(?:proc|sys)(?:\/|$)/;

/**
 * Calls outside src/linux that open a path written out as /proc/… or /sys/…. A path that was put together elsewhere
 * is not seen here; the limit on node:fs catches most of those. Naming a kernel file, as evidence does, is fine.
 */
export function openedKernelPaths(root: string, files: readonly string[]): readonly string[] {
  return files
    .filter(file => !isTest(file) && !['linux', 'programs'].includes(layerOf(file) ?? ''))
    .flatMap(file => inFile(file, readFileSync(join(root, file), 'utf8')));
}

export function inFile(file: string, text: string): readonly string[] {
  const found: string[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && opens.test(nameOf(node.expression)))
      for (const argument of node.arguments) {
        const path = startOf(argument);
        if (path === undefined || !kernelPath.test(path)) continue;
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
        found.push(
          `${file}:${line} opens ${path}: only src/linux opens /proc and /sys. Add a reader there, named after the kernel file, and call it.`,
        );
      }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function nameOf(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
}

function startOf(argument: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(argument)) return argument.text;
  if (ts.isTemplateExpression(argument)) return argument.head.text;
  if (ts.isBinaryExpression(argument)) return startOf(argument.left);
  return undefined;
}
