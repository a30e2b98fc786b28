import { validateHeaderName, validateHeaderValue } from 'node:http';
import * as z from 'zod';
import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { checkCsvLoad, csvLoadFields, csvLoadNeeds, startCsvLoad } from './csv-load.ts';
import { fetchUrl, refuseForbiddenUrl } from './fetch-url.ts';
import { isPublicAddress } from './public-address.ts';

const csvUrl = z.string().superRefine((url, context) => {
  const isUrl = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isUrl) context.addIssue({ code: 'custom', message: 'must be a valid url' });
});

const headers = z.record(z.string(), z.string()).superRefine((value, context) => {
  for (const [name, text] of Object.entries(value)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, text);
    } catch {
      context.addIssue({ code: 'custom', message: `has a header that HTTP does not allow: ${name}` });
    }
  }
});

/** Loads CSV from a web server; from public addresses only, unless `bulk.allowPrivateUrls` is set. */
export const csvUrlLoad = defineOperation({
  name: 'csv_url_load',
  permission: csvLoadNeeds,
  request: z.object({ ...csvLoadFields, csv_url: csvUrl, passthrough_headers: headers.default({}) }),
  response: jobStartedAnswer,
  async run(context, { csv_url: url, passthrough_headers: passed, ...request }) {
    checkCsvLoad(context, request);
    const isPermitted = context.bulk.allowPrivateUrls ? (): boolean => true : isPublicAddress;
    refuseForbiddenUrl(new URL(url), isPermitted);
    return startCsvLoad(context, { type: 'csv_url_load', lane: 'downloads' }, request, (signal) =>
      fetchUrl(url, { headers: passed, isPermitted, signal }),
    );
  },
});
