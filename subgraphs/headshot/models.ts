import type { JobStatus } from '../../schema/types/headshot.ts';
import type { JobEventKind } from '../events.ts';
import type { AccountId, ClientId, InviteId, ModelId, PhotoId, PictureId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { RequestContext, Stopped } from '../subgraph.ts';
import type { Invites } from './invite.ts';
import type { Links } from './link.ts';
import type { Lists, Loaders } from './loaders.ts';
import type { Guests } from './onboarding.ts';
import type { Models } from './model.ts';
import type { Journal } from './progress.ts';
import type { PhotoRow } from './photo-store.ts';
import type { Photos } from './photo.ts';
import type { Failing } from './rules.ts';
import type { Selfies } from './selfie.ts';
import type { InviteRow, MemberRow, ModelRow, SelfieRow, Store, TeamRow } from './store.ts';
import type { Teams } from './team.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & {
  blobs: Platform['blobs'];
  kept: Platform['env']['kept'];
  store: Store;
  links: Links;
  teams: Teams;
  invites: Invites;
  models: Models;
  photos: Photos;
  guests: Guests;
  selfies: Selfies;
  accountNames: Platform['accountNames'];
  journal: Journal;
  lists: Lists;
  loaders: Loaders;
  stopped: Stopped;
};

export type OrganizationModel = { id: AccountId };
export type TeamModel = TeamRow;
export type TeamMemberModel = MemberRow;
export type InviteModel = InviteRow;
export type HeadshotModelModel = ModelRow;
export type HeadshotGalleryModel = ModelRow;
export type HeadshotPersonModel = ModelRow;
export type HeadshotPhotoModel = PhotoRow;
export type ClientModel = { id: ClientId };
export type GenerationImageModel = { id: PictureId };
/** `model`: null before the person accepts. `invite`: null for somebody whose headshots were started without one. */
export type OnboardingModel = { invite: InviteRow | null; model: ModelRow | null; selfies: readonly SelfieRow[] };
export type SelfieModel = SelfieRow;

/** How far a model is, as the SDL's `JobProgress`. */
export type Progress = { status: JobStatus; stage: string; percent: number; seq: number; etaSeconds: number | null; updatedAt: Date };

/** What an event's row keeps: enough to tell it again when the model has moved on. Moments as RFC 3339. */
export type EventBody =
  | ModelEventBody
  /** Null stands for events that are no longer kept. */
  | { about: 'invite'; inviteId: InviteId | null };

type ModelEventBody = { about: 'model'; modelId: ModelId; progress: Omit<Progress, 'updatedAt'> & { updatedAt: string }; photoId: PhotoId | null; failure: Failing | null; terminal: boolean };

/** What a subscriber of a model is given. */
export type HeadshotEventModel = { seq: number; at: Date; kind: JobEventKind; body: ModelEventBody; terminal: boolean; gap: boolean };
/** With whose headshots they are: the person who hears of them has no account. */
export type OnboardingEventModel = HeadshotEventModel & { accountId: AccountId };
