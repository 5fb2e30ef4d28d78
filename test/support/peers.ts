import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Other gateways to compare with, some under licences that the project cannot have: they live in a folder for temporary files alone. */
const packages = ['@apollo/gateway@2.14.4', '@apollo/server@5.5.1', 'graphql@16.15.0', '@graphql-hive/gateway@2.15.1', '@graphql-hive/router-runtime'];
const apollo = `import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ApolloGateway } from '@apollo/gateway';
import { readFileSync } from 'node:fs';
const gateway = new ApolloGateway({ supergraphSdl: readFileSync(process.argv[2], 'utf8') });
await startStandaloneServer(new ApolloServer({ gateway }), { listen: { port: Number(process.argv[3]), host: '127.0.0.1' } });
`;

const folder = join(tmpdir(), 'lookgraph-peers');
const marker = join(folder, 'installed.json');
const wanted = JSON.stringify(packages);

/** The folder with `node_modules` where they are installed. Null: nobody has installed them on this machine. */
export function findPeers(): string | null {
  return existsSync(marker) && readFileSync(marker, 'utf8') === wanted ? folder : null;
}

/** Installs them once. */
export function installPeers(): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'apollo.mjs'), apollo);
  if (findPeers() !== null) return folder;
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', ...packages], { cwd: folder, stdio: 'inherit' });
  writeFileSync(marker, wanted);
  return folder;
}
