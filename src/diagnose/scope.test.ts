import { expect, test } from 'vitest';
import { defineCase } from './case.ts';
import { controllersFor } from './scope.ts';

const definition = defineCase({
  id: 'memory/example',
  title: { en: 'Example', 'zh-CN': '例' },
  symptoms: [],
  questions: [],
  namespaces: [],
  // What it is about, which is not what it reads.
  controllers: ['io'],
  needs: ['pids', 'init'],
  mayUse: ['pressure', 'listeners'],
  references: [],
});

test('the cgroups that cases read, and those that usage is taken from', () => {
  expect(controllersFor([definition])).toEqual(['cpu', 'memory', 'pids', 'pressure']);
  expect(controllersFor([])).toEqual(['cpu', 'memory']);
});
