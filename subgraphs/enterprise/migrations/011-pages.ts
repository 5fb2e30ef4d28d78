import { migration } from '../../migrations.ts';

/**
 * A client keeps its `number`, whoever is removed: numbers ascend within an account and have gaps. How many of each 500 are there is in
 * `client_block`, so that any page is found by reading a few of its rows, and whoever is removed changes one. `client_count` holds how many
 * there are and the last number that was given; whoever adds or removes a client locks it.
 */
export const pages = migration(
  'alter table client_count add last integer',
  'update client_count set last = total',
  'alter table client_count alter last set not null',
  `create table client_block (
    account_id uuid not null references account on delete cascade, block integer not null, clients integer not null check (clients >= 0),
    primary key (account_id, block)
  )`,
  'insert into client_block select account_id, number / 500, count(*) from client group by 1, 2',
);
