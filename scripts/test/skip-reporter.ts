import type { Reporter, TestCase } from 'vitest/node';

/** Says why each skipped test was skipped; vitest's own reporters leave that out unless a file failed. */
const skipReporter: Reporter = {
  onTestCaseResult(test: TestCase) {
    const result = test.result();
    if (result.state !== 'skipped') return;
    const why = result.note ?? 'no reason given; say it with context.skip(reason)';
    console.log(` skipped  ${test.module.relativeModuleId} > ${test.fullName}: ${why}`);
  },
};

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter from the default export only.
export default class {
  onTestCaseResult = skipReporter.onTestCaseResult;
}
