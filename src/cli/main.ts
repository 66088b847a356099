import manifest from '../../package.json' with { type: 'json' };

if (process.argv[2] === '--version') console.log(manifest.version);
else {
  console.error('glassbox: only --version works in this build so far.');
  process.exitCode = 2;
}
