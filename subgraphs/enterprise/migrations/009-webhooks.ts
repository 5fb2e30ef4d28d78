import { migration } from '../../migrations.ts';

/**
 * The outbox. A delivery is one event for one receiver: an endpoint, or the callback address of a job. Deliveries of one `line` (a receiver and what
 * the event is about) are made one after another, in the order of `position`.
 */
export const webhooks = migration(
  `create table webhook_endpoint (
    id text collate "C" primary key, account_id uuid not null references account on delete cascade, url text not null, events jsonb not null,
    secret text not null, former_secret text, former_secret_until timestamptz, enabled boolean not null default true, disabled_at timestamptz,
    disabled_reason text, succeeded_at timestamptz, created_at timestamptz not null default now()
  )`,
  'create index webhook_endpoints_of_account on webhook_endpoint (account_id, id desc)',
  `create table callback_secret (
    account_id uuid primary key, secret text not null, former_secret text, former_secret_until timestamptz, created_at timestamptz not null default now()
  )`,
  `create table webhook_delivery (
    id text collate "C" primary key, position bigint generated always as identity, account_id uuid not null, source text not null, event text not null,
    event_id text not null, subject_id text not null, data jsonb not null, endpoint_id text collate "C" references webhook_endpoint on delete cascade, url text not null,
    line text not null, state text not null default 'WAITING', attempts integer not null default 0, tries integer not null default 0,
    next_attempt_at timestamptz, claimed_until timestamptz, status integer, error text, delivered_at timestamptz, created_at timestamptz not null
  )`,
  "create index webhook_deliveries_due on webhook_delivery (next_attempt_at, position) where state = 'WAITING'",
  "create index webhook_deliveries_in_line on webhook_delivery (line, position) where state = 'WAITING'",
  'create index webhook_deliveries_of_account on webhook_delivery (account_id, id desc)',
  'create index webhook_deliveries_of_endpoint on webhook_delivery (endpoint_id, id desc) where endpoint_id is not null',
  'create index webhook_deliveries_about on webhook_delivery (subject_id)',
  'create index webhook_deliveries_by_age on webhook_delivery (created_at)',
  `create table webhook_attempt (
    delivery_id text collate "C" not null references webhook_delivery on delete cascade, number integer not null, at timestamptz not null, duration_ms integer not null,
    status integer, error text, url text not null, headers jsonb not null, body text not null, primary key (delivery_id, number)
  )`,
);
