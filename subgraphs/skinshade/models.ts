import type { RequestContext } from '../subgraph.ts';

/** What every resolver of this subgraph is given: it keeps nothing, so nothing but the request. */
export type Context = RequestContext;

/** `hex` comes with the representation, from the catalogue of hairstyle. */
export type HairColorModel = { id: string; hex: string };
