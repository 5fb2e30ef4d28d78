import type { Logger } from 'pino';
import type { Connection } from '../database.ts';
import type { AccountId } from '../ids.ts';
import { createOutbound, type Outbound } from '../outbound.ts';
import type { HairstyleEngine, HeadshotEngine } from '../vision/engine.ts';
import { createComfyEngine } from './comfyui.ts';
import { embedded, type EngineConfig, type EnginesConfig, hostsOf } from './config.ts';
import { remoteHairstyles } from './hairstyles.ts';
import { remoteHeadshots } from './headshots.ts';
import { createInbox, type Inbox, isSigned } from './inbox.ts';
import { createPredictionsEngine } from './predictions.ts';
import type { RemoteEngine } from './remote.ts';

export { embedded, type EnginesConfig, readEngines } from './config.ts';
export { callbackPath } from './inbox.ts';

/** Engines beside the one in this program, and who is drawn by which. */
export type Engines = {
  /** All names, `embedded` first. */
  names: readonly string[];
  /** The style's engine, else the account's, else the default. A picture that a fallback drew says so. */
  engineFor(accountId: AccountId, styleId: string): Promise<HairstyleEngine>;
  /** Makes all headshots. */
  headshots: Pick<HeadshotEngine, 'shoot'>;
  /** Null: the account has the default. */
  choose(accountId: AccountId, name: string | null): Promise<void>;
  listChoices(): Promise<{ accountId: AccountId; engine: string }[]>;
  /** Takes a webhook of an engine. `isKnown` before its body is read; `receive` gives false when it is not signed as it must be. */
  isKnown(id: string): Promise<boolean>;
  receive(id: string, body: string, headers: Readonly<Record<string, string | string[] | undefined>>): Promise<boolean>;
  close(): Promise<void>;
};

type Parts = { config: EnginesConfig | null; own: HairstyleEngine & HeadshotEngine; connection: Connection; allow: readonly string[]; publicUrl: () => string; log: Logger };
type ChoiceTables = { engine_choice: { account_id: AccountId; engine: string } };

export function createEngines({ config, own, connection, allow, publicUrl, log }: Parts): Engines {
  const outbound = createOutbound({ allow: [...allow, ...(config ? hostsOf(config) : [])] });
  const inbox = createInbox(connection, publicUrl);
  const engines = new Map([...(config?.engines ?? [])].map(([name, one]) => [name, remoteHairstyles({ remote: connect(one, outbound, inbox), config: one, own, log })]));
  const shooting = config?.engines.get(config.headshots);
  const choices = connection.store<ChoiceTables>('hairstyle');
  return {
    names: [embedded, ...engines.keys()],
    headshots: shooting ? remoteHeadshots({ remote: connect(shooting, outbound, inbox), config: shooting, own, log }) : own,
    async engineFor(accountId, styleId) {
      if (!config) return own;
      const chosen = config.styles[styleId] ?? (await choices().selectFrom('engine_choice').select('engine').where('account_id', '=', accountId).executeTakeFirst())?.engine;
      return engines.get(chosen ?? config.default) ?? (chosen === embedded ? own : engines.get(config.default) ?? own);
    },
    async choose(accountId, engine) {
      if (engine === null) await choices().deleteFrom('engine_choice').where('account_id', '=', accountId).execute();
      else await choices().insertInto('engine_choice').values({ account_id: accountId, engine }).onConflict((conflict) => conflict.column('account_id').doUpdateSet({ engine })).execute();
    },
    listChoices: async () => choices().selectFrom('engine_choice').select(['account_id as accountId', 'engine']).orderBy('account_id').execute(),
    isKnown: async (id) => (await inbox.awaited(id)) !== null,
    async receive(id, body, headers) {
      const one = config?.engines.get((await inbox.awaited(id)) ?? '');
      if (one?.kind !== 'predictions' || (one.webhookSecret !== null && !isSigned(one.webhookSecret, body, headers))) return false;
      await inbox.receive(id, body);
      return true;
    },
    close: async () => outbound.close(),
  };
}

const connect = (config: EngineConfig, outbound: Outbound, inbox: Inbox): RemoteEngine =>
  (config.kind === 'comfyui' ? createComfyEngine(config, outbound) : createPredictionsEngine(config, outbound, inbox));
