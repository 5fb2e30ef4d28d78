import { type Kysely, sql } from 'kysely';
import type { Migration } from '../../migrations.ts';
import { phoneKeyOf } from '../rules.ts';

type Row = { id: string; phoneNumber: string; phoneKey: string };
const batch = 1000;

/** Numbers are compared as telephone networks know them. Of two clients that now have the same number the later one keeps what it was compared by. */
export const phones: Migration = {
  up: async (database: Kysely<unknown>) => {
    for (let after = ''; ;) {
      const { rows } = await sql<Row>`select id, phone_number as "phoneNumber", phone_key as "phoneKey" from client where phone_key is not null and id > ${after} order by id limit ${batch}`.execute(database);
      for (const { id, phoneNumber, phoneKey } of rows) {
        const key = phoneKeyOf(phoneNumber);
        if (key === phoneKey) continue;
        await sql`update client set phone_key = ${key} where id = ${id} and not exists (select from client other where other.account_id = client.account_id and other.phone_key = ${key})`.execute(database);
      }
      const last = rows.at(-1);
      if (!last || rows.length < batch) return;
      after = last.id;
    }
  },
};
