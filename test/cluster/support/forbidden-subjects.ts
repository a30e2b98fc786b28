/** Where JetStream listens. */
export const api = '$JS.API';
/** The channel that is none of the peer's business. */
export const secret = 'default:secret';
/** A question for the next messages of a consumer. */
export const next = JSON.stringify({ batch: 10, expires: 1_000_000_000 });

/** Subjects that a peer may not publish to, with the body that would do harm if it could. */
export const forbiddenWrites: readonly (readonly [string, string])[] = [
  [`ch.${secret}`, 'forged'],
  ['ch.default:open', 'forged'],
  ['ch.mine', 'forged'],
  [`${api}.INFO`, ''],
  [`${api}.STREAM.NAMES`, ''],
  [`${api}.STREAM.LIST`, ''],
  [`${api}.STREAM.INFO.${secret}`, ''],
  [`${api}.STREAM.CREATE.mine`, JSON.stringify({ name: 'mine', subjects: ['mine.>'] })],
  [`${api}.STREAM.CREATE.mine`, JSON.stringify({ name: 'mine', mirror: { name: secret } })],
  [`${api}.STREAM.UPDATE.${secret}`, JSON.stringify({ name: secret, subjects: ['_INBOX_guest.>'] })],
  [`${api}.STREAM.PURGE.${secret}`, ''],
  [`${api}.STREAM.DELETE.${secret}`, ''],
  [`${api}.STREAM.PURGE.default:open`, ''],
  [`${api}.STREAM.DELETE.default:open`, ''],
  [`${api}.STREAM.MSG.GET.${secret}`, JSON.stringify({ seq: 1 })],
  [`${api}.STREAM.MSG.DELETE.${secret}`, JSON.stringify({ seq: 1 })],
  [`${api}.STREAM.MSG.DELETE.default:open`, JSON.stringify({ seq: 1 })],
  [`${api}.STREAM.SNAPSHOT.${secret}`, JSON.stringify({ deliver_subject: '_INBOX_guest.snapshot' })],
  [`${api}.STREAM.RESTORE.${secret}`, '{}'],
  [`${api}.DIRECT.GET.${secret}`, JSON.stringify({ seq: 1 })],
  [`${api}.DIRECT.GET.${secret}.ch.${secret}`, ''],
  [
    `${api}.CONSUMER.CREATE.${secret}`,
    JSON.stringify({
      stream_name: secret,
      config: { deliver_subject: '_INBOX_guest.spy', ack_policy: 'none' },
    }),
  ],
  [
    `${api}.CONSUMER.CREATE.${secret}.guest`,
    JSON.stringify({ stream_name: secret, config: { name: 'guest', ack_policy: 'none' } }),
  ],
  [
    `${api}.CONSUMER.CREATE.default:open.guest`,
    JSON.stringify({
      stream_name: 'default:open',
      config: { name: 'guest', deliver_subject: `ch.${secret}` },
    }),
  ],
  [
    `${api}.CONSUMER.DURABLE.CREATE.${secret}.guest`,
    JSON.stringify({ stream_name: secret, config: { durable_name: 'guest', ack_policy: 'none' } }),
  ],
  [`${api}.CONSUMER.NAMES.${secret}`, ''],
  [`${api}.CONSUMER.LIST.${secret}`, ''],
  [`${api}.CONSUMER.INFO.${secret}.friend`, ''],
  [`${api}.CONSUMER.DELETE.${secret}.friend`, ''],
  [`${api}.CONSUMER.DELETE.default:open.guest`, ''],
  [`${api}.CONSUMER.PAUSE.${secret}.friend`, JSON.stringify({ pause_until: '2099-01-01T00:00:00Z' })],
  [`${api}.CONSUMER.MSG.NEXT.${secret}.friend`, next],
  [`${api}.CONSUMER.MSG.NEXT.${secret}.guest`, next],
  [`${api}.CONSUMER.MSG.NEXT.default:open.friend`, next],
  [`${api}.CONSUMER.MSG.NEXT.default:inbox.guest`, next],
  ['$JS.ACK.default:open.guest.1.1.1.1.1', '+ACK'],
  [`$JS.ACK.${secret}.friend.1.1.1.1.1`, '+TERM'],
  [`$JS.FC.${secret}.friend.x`, ''],
  ...['hello', 'subscribe', 'pull', 'copy', 'apply', 'nodes'].map(
    (service) => [`svc.friend.${service}`, '{}'] as const,
  ),
  ['svc.vault.hello', '{}'],
  ['svc.stranger.hello', '{}'],
  ['svc.join', '{}'],
  ['svc.hello', '{}'],
  ['_INBOX_friend.x', 'forged'],
  ['_INBOX_bridge.x', 'forged'],
  ['_INBOX_guest.x', 'forged'],
  ['$SYS.REQ.USER.INFO', ''],
  ['$SYS.REQ.SERVER.PING', ''],
  ['$SYS.REQ.SERVER.PING.CONNZ', ''],
  ['$SYS.REQ.ACCOUNT.NODE.SUBSZ', ''],
];

/** Subjects that a peer may not subscribe to. */
export const forbiddenReads = [
  '>',
  '*',
  '*.>',
  '*.*',
  'ch.>',
  'ch.*',
  `ch.${secret}`,
  'ch.default:open',
  '$SYS.>',
  '$JS.>',
  `${api}.>`,
  '$JS.EVENT.ADVISORY.>',
  '_R_.>',
  'svc.>',
  'svc.join',
  'svc.friend.>',
  'svc.guest.>',
  '_INBOX.>',
  '_INBOX_friend.>',
  '_INBOX_bridge.>',
  '_INBOX_vault.>',
  '_INBOX_join.>',
  '_INBOX_guest',
];
