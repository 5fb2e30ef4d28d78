import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isId } from '../subgraphs/ids.ts';
import { pathOf } from './rest/router.ts';

/** The words that stand in addresses of ours. */
const words = new Set<string>();

/** Learns the words of all routes that are added from now on. */
export function learnPaths(app: FastifyInstance): void {
  app.addHook('onRoute', ({ url }) => url.split('/').filter((part) => /^[\w.-]+$/.test(part)).forEach((part) => words.add(part)));
}

/**
 * The path of a request as logs may keep it: without its query, and with nothing in it but our own words, ids and the slug of a business. Whatever
 * else somebody put there may be an address, a number or a name, and a log must not say whom a request was about.
 */
export function loggedPath(request: Pick<FastifyRequest, 'url'>): string {
  const parts = pathOf(request).split('/').slice(0, 12);
  return parts.map((part, index) => (part === '' || words.has(part) || isId(part) || (parts[index - 1] === 'enterprise' && isSlug(part)) ? part : ':hidden')).join('/');
}

const isSlug = (text: string): boolean => text.length <= 64 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
