import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { Observation } from '../../../observe/observation.ts';
import type { Relay } from '../../../observe/relays.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const relay = (change: Partial<Relay> = {}): Relay => ({
  pid: hostPid(900),
  commandLine: ['/usr/bin/docker-proxy', '-proto', 'tcp', '-host-ip', '0.0.0.0', '-host-port', '8080'],
  namespace: namespaceId(1),
  ports: [8080],
  target: '172.17.0.2',
  targetPort: 80,
  seenAs: '172.17.0.1',
  connections: 3,
  clients: ['203.0.113.7', '203.0.113.9'],
  clientsFromElsewhere: 3,
  ...change,
});

const judge = (relays: readonly Relay[]) =>
  rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    relays,
    listeners: notThere,
  });

test('found: docker-proxy serves clients that NAT should have', () => {
  expect(judge([relay()])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^\/usr\/bin\/docker-proxy -proto \(pid 900, on the host\) takes the connections to port 8080 .* 172\.17\.0\.2:80 .* 3 clients from elsewhere look like 172\.17\.0\.1/,
    ),
    evidence: [
      { observed: '203.0.113.7 203.0.113.9' },
      { observed: '3 from 172.17.0.1' },
      { observed: '172.17.0.1' },
    ],
    fixes: [{}, { command: 'systemctl restart docker' }],
  });
});

test('a proxy that somebody put there is told, and is no alarm', () => {
  const nginx = relay({ commandLine: ['nginx: worker process'], namespace: namespaceId(3) });
  expect(judge([nginx])).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringContaining('nginx: worker process (pid 900) takes'),
    fixes: [{}, { action: expect.stringContaining('X-Forwarded-For') }, {}],
  });
});

test.each<[string, readonly Relay[]]>([
  ['nobody relays', []],
  [
    'only clients on the host itself, which NAT does not reach',
    [relay({ clients: ['127.0.0.1'], clientsFromElsewhere: 0 })],
  ],
])('ruled out: %s', (_, relays) => {
  expect(judge(relays)).toMatchObject({ kind: 'ruled-out' });
});

test('a program without a command line', () => {
  expect(judge([relay({ commandLine: [] })])).toMatchObject({
    summary: expect.stringMatching(/^A program \(pid 900/),
  });
});

test.each([
  ['problem', 'found'],
  ['healthy', 'ruled-out'],
])('the captured %s: %s', (name, kind) => {
  const file = new URL(`./fixture/${name}.json`, import.meta.url);
  const observation = JSON.parse(readFileSync(file, 'utf8')) as Observation;
  const [facts] = observation.containers;
  if (facts === undefined) throw new Error('no container in it');
  expect(judgeObservation(observation, facts, [entry(definition, rule, lab)])).toMatchObject([
    { case: 'network/port-served-by-proxy', verdict: { kind } },
  ]);
});
