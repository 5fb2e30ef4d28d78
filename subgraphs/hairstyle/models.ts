import type { BlobStore } from '../blobs.ts';
import type { AccountId, ClientId, GenerationId, PictureId } from '../ids.ts';
import type { RequestContext, Stopped } from '../subgraph.ts';
import type { Catalogue, Color, Style } from './catalogue.ts';
import type { Styles } from './style.ts';
import type { StyleRow } from './style-store.ts';
import type { Generations } from './generation.ts';
import type { Images } from './image.ts';
import type { Lists, Loaders } from './loaders.ts';
import type { Journal } from './progress.ts';
import type { Failing, Status } from './rules.ts';
import type { GenerationRow, ImageRow, PictureRow } from './store.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & {
  blobs: BlobStore;
  catalogue: Catalogue;
  images: Images;
  styles: Styles;
  generations: Generations;
  journal: Journal;
  lists: Lists;
  stopped: Stopped;
  loaders: Loaders;
};

export type HairstyleModel = Style | StyleRow;
export type HairColorModel = Color;
export type SourceImageModel = ImageRow;
export type HairstyleGenerationModel = GenerationRow;
export type GenerationImageModel = PictureRow;
export type AccountModel = { id: AccountId };
export type ClientModel = { id: ClientId };

/** How far a generation is, as the SDL's `JobProgress`. */
export type Progress = { status: Status; stage: string; percent: number; seq: number; etaSeconds: number | null; updatedAt: Date };

/** What an event's row keeps: enough to tell it again when the generation has moved on. Moments as RFC 3339. */
export type EventBody = {
  generationId: GenerationId;
  progress: Omit<Progress, 'updatedAt'> & { updatedAt: string };
  imageId: PictureId | null;
  failure: Failing | null;
  terminal: boolean;
};

export type GenerationEventModel = {
  seq: number;
  at: Date;
  kind: 'SNAPSHOT' | 'STATUS' | 'PROGRESS' | 'IMAGE_READY' | 'COMPLETED' | 'FAILED' | 'CANCELED';
  body: EventBody;
  terminal: boolean;
  gap: boolean;
};
