import type { ColumnType, GeneratedAlways } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import type { AccountId, ClientId, GenerationId, ImageId, PictureId } from '../ids.ts';
import type { HairPiece, ImageIssue } from '../vision/engine.ts';
import type { Failing, Gender, Mode, Status } from './rules.ts';

/** The tables of the schema `hairstyle`; in the database the same names are written in snake_case. */
export type Tables = {
  image: ImageTable;
  imageClient: ImageClientTable;
  generation: GenerationTable;
  picture: PictureTable;
  style: StyleTable;
  styleFile: StyleFileTable;
};

type ImageTable = {
  id: ImageId;
  accountId: AccountId;
  name: string;
  blobKey: BlobKey;
  width: number;
  height: number;
  issues: readonly ImageIssue[];
  createdAt: GeneratedAlways<Date>;
};

type ImageClientTable = { imageId: ImageId; accountId: AccountId; clientId: ClientId };

type GenerationTable = {
  id: GenerationId;
  accountId: AccountId;
  clientId: ClientId | null;
  mode: Mode;
  gender: Gender;
  forceNewHairline: boolean;
  sourceId: ImageId;
  styleIds: readonly string[];
  colorId: string | null;
  callbackUrl: string | null;
  seed: number;
  cost: number;
  status: Status;
  stage: string;
  percent: number;
  etaSeconds: number | null;
  /** Number of the generation's last event. */
  lastSeq: number;
  /** Set exactly when FAILED. */
  failure: Failing | null;
  createdAt: GeneratedAlways<Date>;
  updatedAt: Date;
  /** Set exactly when the status is final. */
  completedAt: Date | null;
};

type PictureTable = {
  id: PictureId;
  accountId: AccountId;
  generationId: GenerationId;
  /** Index in the generation's styles. */
  position: number;
  styleId: string;
  colorId: string | null;
  blobKey: BlobKey;
  width: number;
  height: number;
  lowQuality: boolean;
  /** Who drew it; a fallback drew it where another engine should have. */
  engine: ColumnType<string, string | undefined>;
  isFallback: ColumnType<boolean, boolean | undefined>;
  createdAt: GeneratedAlways<Date>;
};

/** A style that an account imported. */
type StyleTable = {
  /** Six digits, unlike any of the catalogue and of other accounts. */
  id: string;
  accountId: AccountId;
  /** Whose hair it is, where that was said. */
  clientId: ClientId | null;
  /** The account's photo that it was taken from. */
  sourceId: ImageId | null;
  description: string;
  sex: Gender;
  tags: readonly string[];
  /** Null exactly when it was deleted. */
  about: HairPiece['about'] | null;
  createdAt: GeneratedAlways<Date>;
  deletedAt: Date | null;
};

export type StyleFileTable = { styleId: string; accountId: AccountId; kind: 'hair' | 'preview'; blobKey: BlobKey };
