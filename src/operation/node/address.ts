import * as z from 'zod';
import { dialHost } from '../../model/dial-address.ts';

/** Where a node is dialled when only its host is told. */
export const defaultPort = 9932;

export const urlProblem = "must be the URL of a node, such as 'wss://edge.example:9932'";

/** What another node is dialled by. */
export const host = z
  .string()
  .min(1)
  .transform((text, context): string => {
    const dialled = dialHost(text);
    if (dialled !== undefined) return dialled;
    context.addIssue({
      code: 'custom',
      message: 'must be a name or an address alone, without a scheme, a port or a path',
    });
    return z.NEVER;
  });
