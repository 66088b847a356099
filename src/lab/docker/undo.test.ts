import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeDockerContainer, removeDockerImage } from './undo.ts';

test('a daemon that does not run keeps its containers, one that was taken away with its data does not', () => {
  const data = mkdtempSync(join(tmpdir(), 'glassbox-docker-'));
  const socket = join(data, 'no.sock');
  try {
    for (const daemon of [{ socket }, { socket, data }]) {
      expect(removeDockerContainer(daemon, 'glassbox-lab-1')).toMatch(/ENOENT/);
      expect(removeDockerImage(daemon, 'glassbox-lab:1')).toMatch(/ENOENT/);
    }
  } finally {
    rmSync(data, { recursive: true });
  }
  expect(removeDockerContainer({ socket, data }, 'glassbox-lab-1')).toBeUndefined();
  expect(removeDockerImage({ socket, data }, 'glassbox-lab:1')).toBeUndefined();
  expect(removeDockerImage({ socket }, 'glassbox-lab:1')).toMatch(/ENOENT/);
});
