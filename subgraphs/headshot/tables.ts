import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import type { AccountId, ClientId, InviteId, MemberId, ModelId, PhotoId, PictureId, SelfieId, TeamId, UploadId } from '../ids.ts';
import type { Aspect, Backdrop, Framing } from '../vision/index.ts';
import type { Failing, Gender, InviteStatus, LikedStatus, MemberStatus, ModelStatus, PhotoStatus, SelfieAssessment } from './rules.ts';

/** The tables of the schema `headshot`; in the database the same names are written in snake_case. */
export type Tables = { setting: SettingTable; team: TeamTable; member: MemberTable; invite: InviteTable; model: ModelTable; selfie: SelfieTable; photo: PhotoTable };

/** What the operator allows an organization. No row: nothing of it. */
type SettingTable = { accountId: AccountId; isWhitelabel: boolean };
type TeamTable = { id: TeamId; accountId: AccountId; name: string; createdAt: GeneratedAlways<Date> };

type MemberTable = {
  id: MemberId;
  accountId: AccountId;
  email: string;
  /** What makes it unique within an account. */
  emailKey: string;
  name: string | null;
  teamId: TeamId | null;
  status: MemberStatus;
  joinedAt: Generated<Date>;
};

type InviteTable = {
  id: InviteId;
  accountId: AccountId;
  email: string;
  emailKey: string;
  memberId: MemberId | null;
  teamId: TeamId | null;
  /** Set from acceptance on. */
  modelId: ModelId | null;
  isDevelopment: boolean;
  status: InviteStatus;
  createdAt: GeneratedAlways<Date>;
  expiresAt: Date;
};

type ModelTable = {
  id: ModelId;
  uid: string;
  accountId: AccountId;
  email: string | null;
  title: string | null;
  memberId: MemberId | null;
  teamId: TeamId | null;
  clientId: ClientId | null;
  /** The finished look that it was started from. */
  pictureId: PictureId | null;
  isDevelopment: boolean;
  /** Under what the ledger holds its credit; null when it costs nothing. */
  chargeId: string | null;
  gender: Gender | null;
  status: ModelStatus;
  stage: string;
  percent: number;
  etaSeconds: number | null;
  /** Number of the model's last event. */
  lastSeq: number;
  failure: Failing | null;
  favoriteId: PhotoId | null;
  createdAt: GeneratedAlways<Date>;
  updatedAt: Date;
  /** Until when photos can be sent. */
  expiresAt: Date;
  /** Set when the headshots are ready, or can not be made. */
  finishedAt: Date | null;
  /** Set exactly when nothing follows: its events have ended. */
  endedAt: Date | null;
  deletedAt: Date | null;
};

/** A photo that a person sent of themself, whether headshots can be made of it or not. */
type SelfieTable = {
  id: SelfieId;
  accountId: AccountId;
  modelId: ModelId;
  /** What the person calls the file. */
  name: string | null;
  /** Upright JPEG without metadata, longest side at most 2048 px. */
  blobKey: BlobKey;
  width: number;
  height: number;
  /** Near to that of the same picture in another size or compression: see `likenessOf`. */
  likeness: string;
  /** What it was sent by. Null: by nothing, for it was taken out of a look; or before that was kept. */
  uploadId: ColumnType<UploadId | null, UploadId | null | undefined>;
  isUsable: boolean;
  assessment: SelfieAssessment;
  createdAt: GeneratedAlways<Date>;
};

/** A headshot. */
type PhotoTable = {
  id: PhotoId;
  accountId: AccountId;
  modelId: ModelId;
  /** Its place among what can be made of the selfies, the best first. */
  position: number;
  backdrop: Backdrop;
  framing: Framing;
  aspect: Aspect;
  width: number;
  height: number;
  /** JPEG, and the same hardly compressed. Null once the files are deleted. */
  blobKey: BlobKey | null;
  originalBlobKey: BlobKey | null;
  status: PhotoStatus;
  likedStatus: LikedStatus;
  /** Who made it; a fallback did in the place of another engine. */
  engine: ColumnType<string, string | undefined>;
  isFallback: ColumnType<boolean, boolean | undefined>;
  createdAt: GeneratedAlways<Date>;
  /** Set exactly when DELETED. */
  deletedAt: Date | null;
};
