/** Target size of a message, of an answer from the log, and of a copy page: what is much larger by itself comes in parts. */
export const maxBatchBytes = 1 << 20;

/**
 * What one pull of a stream may bring: more than its largest message with headers and framing, which would not come at all,
 * and no more than one turn may carry.
 */
export const maxPulledBytes = maxBatchBytes + (64 << 10);
