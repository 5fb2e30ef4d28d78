import { createTransport } from 'nodemailer';
import type { SubgraphName } from '../schema/sdl.ts';
import type { Environment } from './env.ts';
import type { Jobs } from './jobs.ts';
import type { Logger } from './log.ts';
import { createOutbox } from './outbox.ts';

/** Plain text. */
export type Letter = { to: string; subject: string; text: string };
/** What letters are about, behind the name of the subgraph that writes them. */
export type MailSource = `${SubgraphName}.${string}`;

/** Letters to people, each by a durable job: at least once, until a mail server takes it or the tries are used up after about two hours. */
export type Mail = {
  /** Whether letters leave: by SMTP, or into the outbox outside of production. */
  isSent: boolean;
  /** Says how the letters of a source are written, at the moment of sending: nothing that is secret in them is kept. Null: no longer wanted. Before the jobs start. */
  define(source: MailSource, write: (subjectId: string) => Promise<Letter | null>): void;
  /** In the running transaction: the letter leaves exactly when it commits. Nothing happens where no mail is sent. */
  post(source: MailSource, subjectId: string): Promise<void>;
};

type Parcel = { source: MailSource; subjectId: string };

/** A mail server that says nothing for so long is taken for dead. */
const timeoutMs = 20_000;
const queueOf = (source: MailSource): string => `${source.split('.', 1)[0]}.mail`;

export function createMail({ env, jobs, log }: { env: Pick<Environment, 'smtpUrl' | 'mailFrom' | 'dataDir' | 'mode' | 'publicUrl'>; jobs: Jobs; log: Logger }): Mail {
  const writers = new Map<string, (subjectId: string) => Promise<Letter | null>>();
  const queues = new Set<string>();
  const send = env.smtpUrl === null ? intoOutbox(env, log) : bySmtp(env.smtpUrl, env.mailFrom);
  const isSent = env.smtpUrl !== null || env.mode !== 'production';
  const deliver = async ({ id, data: { source, subjectId } }: { id: string; data: Parcel }): Promise<void> => {
    const letter = await writers.get(source)?.(subjectId);
    if (letter) await send(letter, id).catch((error: unknown) => {
      log.warn({ source, job: id, ...causeOf(error) }, 'a letter could not be sent; it is tried again for about two hours');
      throw error;
    });
  };
  return {
    isSent,
    define(source, write) {
      writers.set(source, write);
      const queue = queueOf(source);
      if (!queues.has(queue)) jobs.define<Parcel>(queue, { concurrency: 4, retryLimit: 8, retryDelaySeconds: 15, deadlineSeconds: 90 }, deliver);
      queues.add(queue);
    },
    post: async (source, subjectId) => (isSent ? jobs.enqueue(queueOf(source), { source, subjectId } satisfies Parcel) : undefined),
  };
}

/** Why a letter was not sent. What a mail server answers may name whom it was for, so that of its words only the number is told. */
function causeOf(error: unknown): object {
  if (!(error instanceof Error)) return {};
  const { code, command, responseCode, message } = error as Error & { code?: string; command?: string; responseCode?: number };
  return { code, command, responseCode, ...responseCode === undefined && command === 'CONN' && { cause: message } };
}

type Send = (letter: Letter, id: string) => Promise<void>;

function bySmtp(url: string, from: string): Send {
  const transport = createTransport({ url, connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, disableFileAccess: true, disableUrlAccess: true });
  const host = from.replace(/>?\s*$/, '').split('@').at(-1) ?? 'localhost';
  // The same id every time: who is sent a letter twice can see that it is one.
  return async (letter, id) => void (await transport.sendMail({ ...letter, from, messageId: `<${id}@${host}>` }));
}

function intoOutbox({ dataDir }: Pick<Environment, 'dataDir'>, log: Logger): Send {
  const outbox = createOutbox(dataDir);
  return async (letter) => {
    await outbox.put(letter);
    log.warn(letter, 'a letter is in the outbox, for there is no SMTP_URL');
  };
}
