import { aihairstylesRoutes } from './aihairstyles.ts';
import { enterpriseRoutes } from './enterprise.ts';
import { headshotModelRoutes } from './headshotpro-models.ts';
import { headshotproRoutes } from './headshotpro.ts';
import { partnerRoutes } from './partner.ts';
import type { AnyRoute } from './route.ts';
import { skinshadeRoutes } from './skinshade.ts';

/** Every documented endpoint. */
export const restRoutes: readonly AnyRoute[] = [...aihairstylesRoutes, ...enterpriseRoutes, ...partnerRoutes, ...headshotproRoutes, ...headshotModelRoutes, ...skinshadeRoutes];
