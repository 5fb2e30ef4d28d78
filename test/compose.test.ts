import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnvironment } from '../subgraphs/env.ts';
import { variables } from '../subgraphs/variables.ts';
import { faultsOf, interpolated, readCompose, readDockerfile } from './support/compose.ts';

const compose = readCompose();
const { services } = compose;
const given = { POSTGRES_PASSWORD: 'secret', SIGNING_SECRET: 'x'.repeat(64), S3_SECRET_ACCESS_KEY: 'also secret' };
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

test('docker-compose.yml is what the Compose Specification allows', () => {
  assert.deepEqual(faultsOf(compose), []);
  assert.notDeepEqual(faultsOf({ services: { gateway: { image: 'lookgraph', comand: [] } } }), [], 'the schema finds what is wrong');
});

test('it has two gateways behind a proxy, four subgraphs, two workers, PostgreSQL 18 and an object store; metrics and traces are a profile', () => {
  assert.deepEqual(ours.map(([name, { deploy }]) => [name, deploy?.replicas ?? 1]), [['gateway', 2], ['enterprise', 1], ['hairstyle', 1], ['headshot', 1], ['skinshade', 1], ['workers', 2]]);
  assert.equal(services['postgres']?.image, 'postgres:18');
  assert.match(services['storage']?.image ?? '', /^minio\/minio:RELEASE/);
  assert.match(compose.configs['proxy']?.content ?? '', /httpchk GET \/readyz[\s\S]*server-template gateway \d+ gateway:4000/);
  assert.deepEqual(Object.entries(services).filter(([, { profiles }]) => profiles).map(([name, { profiles }]) => [name, profiles]), [['prometheus', ['seeing']], ['jaeger', ['seeing']]]);
  assert.deepEqual(ours.flatMap(([name, { volumes }]) => (volumes ? [name] : [])), [], 'our containers share no folder');
});

test('the proxy leaves out a gateway that says 503 well before that stops to answer, and none for one answer that it missed', () => {
  const content = compose.configs['proxy']?.content ?? '';
  const numberOf = (name: string): number => Number(new RegExp(`default-server .*\\b${name} (\\d+)`).exec(content)?.[1]);
  const fall = numberOf('fall');
  assert.ok(fall >= 3, `fall ${fall}`);
  const image = readDockerfile().env;
  const environment = Object.fromEntries(Object.entries(services['gateway']?.environment ?? {}).map(([key, value]) => [key, interpolated(value, given)]));
  const { stopDelayMs } = parseEnvironment({ ...image, ...environment });
  assert.ok(numberOf('inter') + (fall - 1) * numberOf('fastinter') < stopDelayMs / 2, `${numberOf('inter')} ${numberOf('fastinter')} of ${stopDelayMs}`);
});

test('every secret must be given, and every environment is one that the program starts with', () => {
  assert.throws(() => interpolated('${SIGNING_SECRET:?set it}', {}), /set it/);
  const known = new Set<string>(variables.map(({ name }) => name));
  const image = readDockerfile().env;
  for (const [name, { environment = {} }] of ours) {
    const values = { ...image, ...Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, interpolated(value, given)])) };
    assert.deepEqual(Object.keys(environment).filter((key) => !known.has(key)), [], `${name} sets what nobody reads`);
    assert.doesNotThrow(() => parseEnvironment(values), name);
  }
  for (const secret of Object.keys(given)) assert.throws(() => ours.forEach(([, { environment = {} }]) => Object.values(environment).forEach((value) => interpolated(value, { ...given, [secret]: '' }))), new RegExp(secret));
});

test('names in it are services of it, and configurations that are used are there', () => {
  for (const [name, { depends_on: needs = [], configs = [] }] of Object.entries(services)) {
    for (const needed of Array.isArray(needs) ? needs : Object.keys(needs)) assert.ok(services[needed], `${name} needs ${needed}`);
    for (const { source } of configs) assert.ok(compose.configs[source]?.content, `${name} is configured by ${source}`);
  }
  for (const host of JSON.stringify(ours).matchAll(/\/\/(?:[^/@"]*@)?([a-z]+):\d+\//g)) if (host[1] !== 'localhost') assert.ok(services[host[1] ?? ''], host[1]);
});

test('the image is a slim Debian with Node 24, runs as nobody special, holds what it runs, and asks its admin port how it is', () => {
  const { from, user, copied, command, healthcheck, env } = readDockerfile();
  assert.deepEqual([from, user, command, env['NODE_ENV'], env['MALLOC_ARENA_MAX']], ['node:24-slim', 'node', ['node', 'gateway/main.ts'], 'production', '2']);
  for (const name of copied) assert.ok(existsSync(join(import.meta.dirname, '..', name)), name);
  for (const name of [command, ...ours.map(([, service]) => service.command ?? [])].map((words) => words[1] ?? '')) assert.ok(copied.includes(name.split('/')[0] ?? ''), `${name} is not in the image`);
  assert.match(healthcheck.join(' '), /^node -e .*ADMIN_PORT.*\/readyz/);
});
