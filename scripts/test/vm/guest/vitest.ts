/**
 * What tests import as `vitest` when they run in the virtual machine (scripts/test/vm/bundle.ts): `expect` is vitest's own,
 * and tests are only collected. Vitest itself would take longer to start on an emulated CPU than they take to run.
 */
export { expect } from 'vitest';

export interface GuestTest {
  readonly name: string;
  /** Absent: it is skipped, and its name says why. */
  readonly body?: (context: GuestContext) => unknown;
}

export interface GuestContext {
  readonly skip: (why?: string) => never;
}

/** What `context.skip` throws. */
export class Skipped extends Error {}

export const collected: GuestTest[] = [];
export const cleanUps: (() => unknown)[] = [];

type Body = NonNullable<GuestTest['body']>;

const skip = (name: string, _body?: Body): void => void collected.push({ name });
const define = (name: string, body: Body): void => void collected.push({ name, body });

export const test = Object.assign(define, {
  skip,
  skipIf: (condition: boolean) => (condition ? skip : define),
});

export const afterEach = (cleanUp: () => unknown): void => void cleanUps.push(cleanUp);

export type TestContext = GuestContext;
