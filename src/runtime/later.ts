/** Calls once, after `delayMs`; returns what prevents it. For whoever may live in another time than the machine's. */
export type Later = (delayMs: number, call: () => void) => () => void;

export const inRealTime: Later = (delayMs, call) => {
  const timer = setTimeout(call, delayMs);
  return () => clearTimeout(timer);
};
