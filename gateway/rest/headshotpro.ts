import { z } from 'zod';
import { Failure } from '../../schema/failures.ts';
import {
  AddTeamMembers, CreateInvite, CreateTeam, DeleteTeam, GetInvite, GetOrganization, GetOrganizationCredits, type InviteStatus, ListAllMembers, type ListAllMembersQuery, ListInvites, type ListInvitesQuery, ListMembers,
  ListTeams, type MemberStatus, type ModelStatus, RenameTeam, RevokeInvite,
} from '../../schema/types/operations.ts';
import { readBody } from './body.ts';
import { headshotDialect as dialect } from './dialect.ts';
import { firstPageOf, nextPageOf, sliceLinks, sliceOfTotal } from './paging.ts';
import { accepted } from './payload.ts';
import { type RestRequest, route } from './route.ts';

/** HeadshotPro, version 2: organization, invites and teams; models and photos are in headshotpro-models.ts. Field names and literal messages are the document's. */

export const base = '/api/v2/organization';
export const modelWords = {
  ONBOARDING: 'onboarding', WAITING: 'waiting', PENDING: 'pending', GENERATING_HEADSHOTS: 'generatingHeadshots', ACTIVE: 'active', FAILED: 'failed', DELETED: 'deleted',
} as const satisfies Record<ModelStatus, string>;
/** The document has no word for one that nobody used in time: its credit is back and its link is dead, as after a revocation. */
const inviteWords = {
  PENDING: 'pending', ACCEPTED: 'accepted', REVOKED: 'revoked', UPLOADING: 'uploading', GENERATING: 'generating', COMPLETED: 'completed', DELETED: 'deleted', EXPIRED: 'revoked',
} as const satisfies Record<InviteStatus, string>;
const memberWords = { ACCEPTED: 'accepted', PENDING: 'pending', FINISHED: 'finished' } as const satisfies Record<MemberStatus, string>;

export const email = z.string('email must be a string').trim().max(254, 'email must be a valid email address').regex(/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/, 'email must be a valid email address');
export const optionalId = (name: string) => z.string(`${name} must be a string`).nullish().transform((id) => id || null);
const object = 'The request body must be a JSON object';
const inviteBody = z.object({ email, teamId: optionalId('teamId') }, object);
const emailBody = z.object({ email }, object);
const nameBody = z.object({ name: z.string('name must be a string').trim().min(1, 'name must have at least 1 character').max(100, 'name must have at most 100 characters') }, object);
const emailsBody = z.object({ emails: z.array(email, 'emails must be an array of email addresses').min(1, 'emails must name at least one email address').max(500, 'emails must name at most 500 email addresses') }, object);

/** The account, if it is an organization: only those have anything here. */
export function ofOrganization<Account extends object>(account: Account): Exclude<Account, Record<PropertyKey, never>> {
  if (Object.keys(account).length === 0) throw new Failure('FORBIDDEN', 'This API key belongs to no organization');
  // What is left of the union is what the fragment on Organization gives.
  return account as Exclude<Account, Record<PropertyKey, never>>;
}

/** One of the words in the query; null when nothing is asked for. Refuses with VALIDATION another one. */
export function wordOf<Value extends string>({ query }: RestRequest, name: string, words: Readonly<Record<Value, string>>): Value | null {
  const given = query[name];
  if (given === undefined || given === '') return null;
  const [found] = Object.entries<string>(words).find(([, word]) => word === given) ?? [];
  if (found === undefined) throw new Failure('VALIDATION', `${name} must be one of ${[...new Set(Object.values<string>(words))].join(', ')}`);
  // It is a key of the table of words.
  return found as Value;
}

export function known<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Failure('NOT_FOUND', `${what} not found`);
  return value;
}

const param = ({ params }: RestRequest, name: string): string => params[name] ?? '';
const inTeam = (team: { id: string; name: string } | null) => ({ teamId: team?.id ?? null, teamName: team?.name ?? null });

type Account<Query extends { viewer: { account: object } }> = Exclude<Query['viewer']['account'], Record<PropertyKey, never>>;
type Listed = Account<ListInvitesQuery>['invites']['nodes'][number];
const inviteFields = ({ email, status, modelId, team, createdAt }: Listed) => ({ email, status: inviteWords[status], ...modelId !== null && { modelId }, ...inTeam(team), createdAt });

type Member = Account<ListAllMembersQuery>['members']['nodes'][number];
function memberFields({ id, email, name, status, team, modelId, modelStatus, joinedAt }: Member) {
  return { id, email, name, status: memberWords[status], ...inTeam(team), modelId, modelStatus: modelStatus && modelWords[modelStatus], joinedAt };
}

const organizationRoutes = [
  route({
    method: 'GET', path: base, summary: 'The organization that the key belongs to, with its teams.', dialect, operation: GetOrganization,
    variables: () => ({}),
    reply({ viewer: { account } }) {
      const { name, website, details: { uid, teams, more } } = ofOrganization(account);
      return { body: { success: true, organization: { uid, name, website, teams: [...teams, ...more] } } };
    },
  }),
  route({
    method: 'GET', path: `${base}/credits`, summary: 'Credits that are neither spent nor held.', dialect, operation: GetOrganizationCredits,
    variables: () => ({}),
    reply: ({ viewer: { account } }) => ({ body: { success: true, credits: ofOrganization(account).credits.available } }),
  }),
];

const inviteRoutes = [
  route({
    method: 'GET', path: `${base}/invites`, summary: 'All invites, newest first.', dialect, operation: ListInvites,
    variables: () => ({ after: null }),
    rest: {
      variables({ viewer: { account } }) {
        const { hasNextPage, endCursor } = ofOrganization(account).invites.pageInfo;
        return hasNextPage ? { after: endCursor } : null;
      },
      join: (first, next) => ({ viewer: { account: { invites: { ...ofOrganization(next.viewer.account).invites, nodes: [...ofOrganization(first.viewer.account).invites.nodes, ...ofOrganization(next.viewer.account).invites.nodes] } } } }),
    },
    reply: ({ viewer: { account } }) => ({ body: { success: true, invites: ofOrganization(account).invites.nodes.map(inviteFields) } }),
  }),
  route({
    method: 'POST', path: `${base}/invites`, summary: 'Invites a person; a credit is held until the photos are complete.', dialect, operation: CreateInvite,
    body: inviteBody,
    variables: (request) => ({ input: readBody(inviteBody, request.body) }),
    reply({ createInvite }) {
      const { email, link, token, team } = accepted(createInvite.invite, createInvite.errors);
      return { body: { success: true, input: { email }, message: 'Invite sent', link, id: token, teamId: team?.id ?? null } };
    },
  }),
  route({
    method: 'GET', path: `${base}/invites/:email`, summary: 'The newest invite of an e-mail address.', dialect, operation: GetInvite,
    variables: ({ params }) => readBody(emailBody, params),
    reply: ({ invite }) => ({ body: { success: true, invite: inviteFields(known(invite, 'Invite')) } }),
  }),
  route({
    method: 'POST', path: `${base}/invites/revoke`, summary: 'Withdraws an invite and returns its credit.', dialect, operation: RevokeInvite,
    body: emailBody,
    variables: ({ body }) => readBody(emailBody, body),
    reply({ revokeInvite }) {
      const { email } = accepted(revokeInvite.invite, revokeInvite.errors);
      return { body: { success: true, message: 'Invite revoked', input: { email } } };
    },
  }),
];

/** All members of one status, in one answer. */
const membersRoute = (status: MemberStatus, fields: (member: Member) => object) => route({
  method: 'GET', path: `${base}/team/${memberWords[status]}`, summary: `All members that are ${memberWords[status]}, newest first.`, dialect, operation: ListAllMembers,
  variables: () => ({ status, after: null as string | null }),
  rest: {
    variables({ viewer: { account } }) {
      const { hasNextPage, endCursor } = ofOrganization(account).members.pageInfo;
      return hasNextPage ? { status, after: endCursor } : null;
    },
    join: (first, next) => ({ viewer: { account: { members: { ...ofOrganization(next.viewer.account).members, nodes: [...ofOrganization(first.viewer.account).members.nodes, ...ofOrganization(next.viewer.account).members.nodes] } } } }),
  },
  reply({ viewer: { account } }) {
    const members = ofOrganization(account).members.nodes.map(fields);
    return { body: { success: true, members, count: members.length } };
  },
});

const memberRoutes = [
  route({
    method: 'GET', path: `${base}/team`, summary: 'Everybody who was invited and not revoked, newest first.', dialect, operation: ListMembers,
    variables: (request) => ({ ...firstPageOf(request), status: wordOf(request, 'status', memberWords) }),
    rest: {
      variables(_, request, { viewer: { account } }) {
        const { nodes, totalCount } = ofOrganization(account).members;
        const next = nextPageOf(request, nodes.length, totalCount);
        return next && { ...next, status: wordOf(request, 'status', memberWords) };
      },
      join: (first, next) => ({ viewer: { account: { members: { ...ofOrganization(next.viewer.account).members, nodes: [...ofOrganization(first.viewer.account).members.nodes, ...ofOrganization(next.viewer.account).members.nodes] } } } }),
    },
    reply({ viewer: { account } }, request) {
      const { nodes, totalCount } = ofOrganization(account).members;
      return { body: { success: true, members: nodes.map(memberFields), pagination: sliceOfTotal(request, totalCount) }, headers: sliceLinks(`${base}/team`, request, totalCount) };
    },
  }),
  membersRoute('ACCEPTED', (member) => {
    const { status: _status, modelId: _id, modelStatus: _model, ...rest } = memberFields(member);
    return rest;
  }),
  membersRoute('PENDING', memberFields),
  membersRoute('FINISHED', memberFields),
];

type Changed = { organization: { name: string; website: string | null } | null; details: { uid: string; teams: readonly object[]; more: readonly object[] } | null; errors: Parameters<typeof accepted>[1] };
function organizationReply({ organization, details, errors }: Changed) {
  const { name, website } = accepted(organization, errors);
  const { uid, teams, more } = accepted(details, errors);
  return { body: { success: true, organization: { uid, name, website, teams: [...teams, ...more] } } };
}

const teamRoutes = [
  route({
    method: 'GET', path: `${base}/teams`, summary: 'The teams, by name.', dialect, operation: ListTeams,
    variables: () => ({}),
    reply({ viewer: { account } }) {
      const { teams, more } = ofOrganization(account);
      return { body: { success: true, teams: [...teams, ...more] } };
    },
  }),
  route({
    method: 'POST', path: `${base}/teams`, summary: 'Creates a team; its name must be free.', dialect, operation: CreateTeam,
    body: nameBody,
    variables: ({ body }) => readBody(nameBody, body),
    reply: ({ createTeam }) => organizationReply(createTeam),
  }),
  route({
    method: 'PUT', path: `${base}/teams/:teamId`, summary: 'Renames a team.', dialect, operation: RenameTeam,
    body: nameBody,
    variables: (request) => ({ id: param(request, 'teamId'), ...readBody(nameBody, request.body) }),
    reply: ({ renameTeam }) => organizationReply(renameTeam),
  }),
  route({
    method: 'DELETE', path: `${base}/teams/:teamId`, summary: 'Deletes a team; its members stay in the organization.', dialect, operation: DeleteTeam,
    variables: (request) => ({ id: param(request, 'teamId') }),
    reply: ({ deleteTeam }) => organizationReply(deleteTeam),
  }),
  route({
    method: 'POST', path: `${base}/teams/:teamId/members`, summary: 'Moves members of the organization into a team, all or none.', dialect, operation: AddTeamMembers,
    body: emailsBody,
    variables: (request) => ({ teamId: param(request, 'teamId'), ...readBody(emailsBody, request.body) }),
    reply({ addTeamMembers }) {
      accepted(addTeamMembers.team, addTeamMembers.errors);
      return { body: { success: true, message: 'Members added to team' } };
    },
  }),
];

export const headshotproRoutes = [...organizationRoutes, ...inviteRoutes, ...memberRoutes, ...teamRoutes];
