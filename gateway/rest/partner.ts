import { z } from 'zod';
import { CreateEnterprise } from '../../schema/types/operations.ts';
import { readBody } from './body.ts';
import { partnerDialect } from './dialect.ts';
import { accepted } from './payload.ts';
import { route } from './route.ts';

/** AIHairstyles, "Partner API". Field names and literal messages are the document's. */

const types = { salon: 'SALON', barber: 'BARBER', 'hair-clinic': 'HAIR_CLINIC' } as const;
const enterpriseBody = z.object({
  businessName: z.string('businessName must be a string').trim().min(4, 'businessName must have at least 4 characters').max(100, 'businessName must have at most 100 characters'),
  businessType: z.enum(['salon', 'barber', 'hair-clinic'], 'businessType must be "salon", "barber" or "hair-clinic"').transform((type) => types[type]),
  ownerEmail: z.string('ownerEmail must be a string').trim().max(254, 'ownerEmail must be a valid email address').regex(/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/, 'ownerEmail must be a valid email address'),
}, 'The request body must be a JSON object');

export const partnerRoutes = [
  route({
    method: 'POST', path: '/api/v1/admin/enterprise', summary: 'Creates a business with its owner, a widget and a key.', dialect: partnerDialect, operation: CreateEnterprise,
    body: enterpriseBody,
    variables: (request) => ({ input: readBody(enterpriseBody, request.body) }),
    reply({ createEnterprise: { enterprise: created, ownerEmail, widget, secret, errors } }) {
      const { id, slug, name, links } = accepted(created, errors);
      const urls = links && { enterprise_overview: links.enterpriseOverview, widget_management: links.widgetManagement, widget_embed: links.widgetEmbed };
      const data = { enterprise_id: id, enterprise_name: slug, enterprise_brand_name: name, widget_id: Number(widget?.id), api_key: secret, owner_email: ownerEmail, links: urls };
      return { status: 201, body: { data, message: 'Enterprise created successfully', status: 'success' } };
    },
  }),
];
