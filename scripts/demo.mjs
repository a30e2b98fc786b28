// A factory edge and a headquarters node: real readings, a link that is cut, and nothing lost.
//
//   npm run demo [-- --keep]     --keep: the nodes run on afterwards
import { parseArgs } from 'node:util';
import { FactoryDemo } from './demo/factory-demo.mjs';
import { ensureReady, runScript } from './ensure.mjs';
import { onInterrupt } from './interrupt.mjs';

await runScript(async () => {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  await ensureReady();
  const demo = new FactoryDemo();
  let isInterrupted = false;
  // The nodes' keeper ends them if this process is killed; everything else is heeded here.
  onInterrupt((status) => {
    isInterrupted = true;
    void demo.stop().finally(() => process.exit(status));
  });
  try {
    const isComplete = await demo.run();
    if (values.keep) await demo.keep();
    if (!isComplete) throw new Error('Something was lost, see above');
  } catch (error) {
    // What breaks while the nodes are being ended is no news.
    if (!isInterrupted) throw error;
  } finally {
    await demo.stop();
  }
});
