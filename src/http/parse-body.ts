import { parseCbor, parseMessagePack } from './parse-binary.ts';
import { parseJson } from './parse-json.ts';

/**
 * The body by its `Content-Type`. Whatever is not MessagePack or CBOR is read as JSON: clients have always sent it
 * under other names.
 *
 * @throws CodedError `invalid_request`, `too_large`
 */
export function parseBody(contentType: string | undefined, body: Buffer): unknown {
  switch (contentType?.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/x-msgpack':
    case 'application/msgpack':
      return parseMessagePack(body);
    case 'application/cbor':
      return parseCbor(body);
    default:
      return parseJson(body);
  }
}
