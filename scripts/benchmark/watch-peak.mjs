const intervalMs = 100;

/**
 * Measures again and again until the function that it returns is called, which tells the highest.
 *
 * @param {() => number} measure
 */
export function watchPeak(measure) {
  let highest = measure();
  const look = () => (highest = Math.max(highest, measure()));
  // A load that fails does not call: the benchmark ends all the same.
  const timer = setInterval(look, intervalMs).unref();
  return () => {
    clearInterval(timer);
    return look();
  };
}
