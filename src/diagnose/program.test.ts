import { expect, test } from 'vitest';
import { programIdentity } from './program.ts';

test.each([
  ['/usr/sbin/nginx', ['nginx: master process'], 'nginx'],
  ['/usr/bin/python3.11', ['python3', '-u', '/srv/a.py', '--x'], 'a.py'],
  ['/usr/bin/node (deleted)', ['node', 'server.js'], 'server.js'],
  ['/opt/jdk/bin/java', ['java', '-Xmx1g', '-jar', '/srv/app.jar'], 'app.jar'],
  ['/usr/bin/perl', ['perl', '-e', 'sleep 1'], undefined],
  ['/bin/dash', ['sh', '-c', 'sleep 1; true'], undefined],
  ['/bin/busybox', ['busybox', 'httpd'], 'httpd'],
  ['/usr/bin/node', ['node'], undefined],
])('%s %j is %s', (executable, commandLine, identity) => {
  expect(programIdentity(executable, commandLine)).toBe(identity);
});
