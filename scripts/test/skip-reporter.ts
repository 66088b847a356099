import type { Reporter, TestCase } from 'vitest/node';

/** Says why each skipped test was skipped; vitest's own reporters leave that out unless a file failed. */
const skipReporter: Reporter = {
  onTestCaseResult(test: TestCase) {
    const result = test.result();
    if (result.state !== 'skipped') return;
    // A skipped `describe` has no note; its name may say it.
    const said = /needs|skipped:/.test(test.fullName)
      ? ''
      : ': no reason given; say it with context.skip(reason)';
    const why = result.note === undefined ? said : `: ${result.note}`;
    console.log(` skipped  ${test.module.relativeModuleId} > ${test.fullName}${why}`);
  },
};

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter from the default export only.
export default class {
  onTestCaseResult = skipReporter.onTestCaseResult;
}
