import type { GeneratedAlways } from 'kysely';
import type { AccountId, ClientId, ImageId, ReadingId } from '../ids.ts';
import type { ShadeWarning } from '../vision/engine.ts';

/** The tables of the schema `skinshade`; in the database the same names are written in snake_case. */
export type Tables = { reading: ReadingTable; keyGrant: KeyGrantTable; idempotencyKey: IdempotencyKeyTable };

type ReadingTable = {
  id: ReadingId;
  accountId: AccountId;
  clientId: ClientId | null;
  /** Null: the picture was not kept. */
  imageId: ImageId | null;
  l: number;
  a: number;
  b: number;
  confidence: number;
  warnings: readonly ShadeWarning[];
  createdAt: GeneratedAlways<Date>;
};

/** That somebody got a key in a month. */
type KeyGrantTable = { household: string; month: string; createdAt: GeneratedAlways<Date> };
type IdempotencyKeyTable = { accountId: AccountId; key: string; fingerprint: string; readingId: ReadingId; createdAt: Date };
