import type { AccountId, ClientId, ImageId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { RequestContext, Stopped } from '../subgraph.ts';
import type { Detections } from './detection.ts';
import type { Health } from './health.ts';
import type { Loaders } from './loaders.ts';
import type { Grants, ReadingRow, Store } from './store.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & { platform: Platform; store: Store; grants: Grants; detections: Detections; health: () => Promise<Health>; loaders: Loaders; stopped: Stopped };

export type SkinShadeReadingModel = ReadingRow;
/** `hex` comes with the representation, from the catalogue of hairstyle. */
export type HairColorModel = { id: string; hex: string };
export type SourceImageModel = { id: ImageId };
export type AccountModel = { id: AccountId };
export type ClientModel = { id: ClientId };
