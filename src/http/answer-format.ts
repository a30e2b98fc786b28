import type { IncomingMessage } from 'node:http';
import { Encoder as CborEncoder } from 'cbor-x';
import { Packr } from 'msgpackr';
import { packed } from '../model/packed.ts';
import { csvDocumentsText, csvText } from '../operation/csv-text.ts';
import { acceptedType } from './negotiation.ts';

/** How rows are written one after the other, without knowing how many there will be. */
export interface RowFormat {
  begin(columns: readonly string[]): Buffer;
  row(row: object, columns: readonly string[], isFirst: boolean): Buffer;
  readonly end: Buffer;
}

/** One of the formats of answers. */
export interface AnswerFormat {
  readonly name: string;
  readonly contentType: string;
  encode(value: unknown): Buffer | string;
  /** Absent when the number of rows comes first, so that they must be gathered. */
  readonly rows?: RowFormat;
}

const empty = Buffer.alloc(0);
const messagePack = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
const cbor = new CborEncoder({ useRecords: false, encodeUndefinedAsNil: true });

const jsonFormat: AnswerFormat = {
  name: 'JSON',
  contentType: 'application/json; charset=utf-8',
  encode: (value) => JSON.stringify(value),
  rows: {
    begin: () => Buffer.from('['),
    row: (row, _columns, isFirst) => Buffer.from((isFirst ? '' : ',') + JSON.stringify(row), 'utf8'),
    end: Buffer.from(']'),
  },
};

const messagePackFormat: AnswerFormat = {
  name: 'MessagePack',
  contentType: 'application/x-msgpack',
  encode: (value) => Buffer.from(packed(messagePack, value)),
};

const cborFormat: AnswerFormat = {
  name: 'CBOR',
  contentType: 'application/cbor',
  encode: (value) => Buffer.from(cbor.encode(value)),
  rows: {
    // An array of no announced length, up to the break code.
    begin: () => Buffer.from([0x9f]),
    row: (row) => Buffer.from(cbor.encode(row)),
    end: Buffer.from([0xff]),
  },
};

const csvFormat: AnswerFormat = {
  name: 'CSV',
  contentType: 'text/csv; charset=utf-8',
  encode: (value) => {
    const rows = (Array.isArray(value) ? value : [value]).map(asRow);
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return csvText([columns]) + csvDocumentsText(rows, columns);
  },
  rows: {
    begin: (columns) => Buffer.from(csvText([columns])),
    row: (row, columns) => Buffer.from(csvDocumentsText([row], columns)),
    end: empty,
  },
};

const byContentType: Readonly<Record<string, AnswerFormat>> = {
  'application/json': jsonFormat,
  'application/x-msgpack': messagePackFormat,
  'application/msgpack': messagePackFormat,
  'application/cbor': cborFormat,
  'text/csv': csvFormat,
};

/** The format that the client likes best; JSON for one that likes none of ours. */
export function formatOf(request: IncomingMessage): AnswerFormat {
  const { accept } = request.headers;
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return jsonFormat;
  const best = acceptedType(request, Object.keys(byContentType));
  return (best === undefined ? undefined : byContentType[best]) ?? jsonFormat;
}

/** An error is a sentence, not a table. */
export function errorFormatOf(request: IncomingMessage): AnswerFormat {
  const format = formatOf(request);
  return format === csvFormat ? jsonFormat : format;
}

function asRow(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : { value };
}
