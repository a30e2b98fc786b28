import { SENSOR } from '../../examples/factory/readings.mjs';
import { Arrivals } from './arrivals.mjs';
import { differing } from './comparison.mjs';
import { DemoNodes } from './demo-nodes.mjs';
import { EdgeProgram, lineOf, measuredLines } from './edge-program.mjs';
import { LinkGate } from './link-gate.mjs';
import { report } from './report.mjs';
import { grouped, Screen, seconds } from './screen.mjs';
import { waitUntil } from '../wait-until.mjs';

const limitMs = 60_000;

/**
 * A factory and its headquarters, with both stories over one pair of nodes, one after the other:
 *
 * 1. The edge dials headquarters, takes `thresholds` and gives `alerts`. Headquarters knows no address of the
 *    edge, and that no reading has left the edge is checked before the second story begins.
 * 2. Headquarters wants the readings too, adds the edge by its address and takes `sensor_data`, gives `configs`.
 *    The readings of the first weeks are copied while the machine measures on.
 *
 * All that the nodes say to each other goes through two gates, one for each direction of dialling; with both shut
 * there is no link. The edge application runs through all of it and only ever calls the node beside it.
 */
export class FactoryDemo {
  #screen = new Screen();
  #nodes = new DemoNodes();
  /** @type {(() => void | Promise<void>)[]} */
  #owned = [];
  #edge;
  #headquarters;
  #toEdge;
  #toHeadquarters;
  #program;
  #arrivals;
  #isLinkCut = false;

  /** @returns {Promise<boolean>} whether nothing was lost */
  async run() {
    this.#screen.head(
      `A factory and its headquarters: ${grouped(measuredLines.length)} temperatures of a machine`,
    );
    await this.#start();
    await this.#tellAlerts();
    await this.#tellReadings();
    const outage = await this.#cutLink();
    this.#screen.say();
    return report(this.#screen, this.#edge.api, this.#headquarters.api, {
      ...outage,
      longestLagMs: this.#arrivals.longestLagMs,
    });
  }

  /** Lets the nodes run on, connected without the gates, which end with this process. */
  async keep() {
    const [edge, headquarters] = [this.#edge, this.#headquarters];
    await addNode(edge, headquarters.name, headquarters.clusterPort, []);
    await addNode(headquarters, edge.name, edge.clusterPort, []);
    await this.#release();
    const releasedAtMs = Date.now();
    await waitUntil('the nodes to be connected without the gates', limitMs, () =>
      this.#areConnectedSince(releasedAtMs),
    );
    await this.#nodes.keep();
    this.#sayHowToTalk();
  }

  /** Ends everything that runs; may be called at any moment. */
  async stop() {
    this.#screen.endProgress();
    await this.#release();
    await this.#nodes.stop();
  }

  async #release() {
    for (let end = this.#owned.pop(); end; end = this.#owned.pop()) await end();
  }

  async #start() {
    [this.#edge, this.#headquarters] = await Promise.all([
      this.#nodes.start('edge'),
      this.#nodes.start('headquarters'),
    ]);
    this.#toEdge = await this.#gateTo(this.#edge);
    this.#toHeadquarters = await this.#gateTo(this.#headquarters);
    this.#screen.say(`  edge at ${this.#edge.api.url}, headquarters at ${this.#headquarters.api.url}`);
  }

  async #gateTo(node) {
    const gate = new LinkGate(node.clusterPort);
    await gate.listen();
    this.#owned.push(() => gate.close());
    return gate;
  }

  async #tellAlerts() {
    const screen = this.#screen;
    screen.head('Story 1: alerts from an edge that nobody can reach');
    this.#toEdge.shut();
    const [edge, headquarters] = [this.#edge.api, this.#headquarters.api];
    await headquarters.ask({ operation: 'create_schema', schema: 'default' });
    await createTable(headquarters, 'thresholds');
    await insert(headquarters, 'thresholds', [{ id: SENSOR, low: 40, high: 105 }]);
    await edge.ask({ operation: 'create_schema', schema: 'default' });
    await createTable(edge, 'sensor_data');
    await createTable(edge, 'alerts');
    await addNode(this.#edge, 'headquarters', this.#toHeadquarters.port, [
      { channel: 'default:thresholds', subscribe: true, publish: false },
      { channel: 'default:alerts', subscribe: false, publish: true },
    ]);
    await this.#limitsAtEdge(40);
    screen.say('  The edge has dialled headquarters and has its limits: 40 to 105.');

    this.#program = new EdgeProgram(edge, () => this.#showProgress());
    this.#owned.push(() => this.#program.stop());
    this.#arrivals = new Arrivals(headquarters, this.#program.stored);
    this.#arrivals.start();
    this.#owned.push(() => this.#arrivals.stop());

    await this.#feed(lineOf('2013-12-27'));
    await waitUntil('the alerts to reach headquarters', limitMs, () => this.#isSame('alerts'));
    const alerts = this.#program.alerts.length;
    await this.#checkStory1();
    screen.say(
      `  ${grouped(this.#program.rows)} readings later headquarters has ${alerts} alerts and not one reading.`,
    );

    const changedAtMs = performance.now();
    await headquarters.ask({
      operation: 'update',
      schema: 'default',
      table: 'thresholds',
      records: [{ id: SENSOR, low: 55 }],
    });
    await waitUntil('the edge application to hear of the low limit 55', limitMs, () => {
      this.#nodes.check();
      return this.#program.limits?.low === 55;
    });
    const tookMs = performance.now() - changedAtMs;
    screen.say(
      `  Headquarters raises the low limit to 55; the edge application is told ${seconds(tookMs)} later.`,
    );
  }

  /** What the story promises: nobody has dialled the edge, and the raw readings have stayed there. */
  async #checkStory1() {
    const { dialled_by: dialledBy, host } = await this.#headquarters.api.connection('edge');
    if (dialledBy !== 'them' || host !== undefined || this.#toEdge.refused > 0)
      throw new Error('Headquarters has dialled an edge that it cannot reach');
    if ((await this.#headquarters.api.count('sensor_data')) !== undefined)
      throw new Error('Readings have left the edge');
  }

  async #tellReadings() {
    const screen = this.#screen;
    screen.head('Story 2: the readings go to headquarters, its configuration to the factory');
    this.#toEdge.open();
    const [edge, headquarters] = [this.#edge.api, this.#headquarters.api];
    const storedBefore = this.#program.rows;
    let isCopied = false;
    // Until the copy is there, but not so far that nothing is left for the next act.
    const feeding = this.#feed(lineOf('2014-01-08'), () => isCopied);
    feeding.catch(() => undefined);
    await addNode(this.#headquarters, 'edge', this.#toEdge.port, [
      { channel: 'default:sensor_data', subscribe: true, publish: false },
      { channel: 'default:configs', subscribe: false, publish: true },
    ]);
    await createTable(headquarters, 'configs');
    await insert(headquarters, 'configs', [
      { id: 'sampling', every_minutes: 5 },
      { id: 'display', language: 'en' },
    ]);
    await waitUntil(
      'configs to appear at the edge',
      limitMs,
      async () => (await edge.count('configs')) === 2,
    );
    screen.say('  Table configs was created at headquarters; it and its records are at the edge.');
    await this.#atHeadquarters(storedBefore);
    isCopied = true;
    await feeding;
    await this.#atHeadquarters(this.#program.rows);
    this.#arrivals.measureLag();
    const later = this.#program.rows - storedBefore;
    screen.say(
      `  Headquarters has the ${grouped(storedBefore)} readings so far, and the ${grouped(later)} that were made meanwhile.`,
    );
    await this.#feed(Math.max(lineOf('2014-01-08'), this.#program.rows + 600));
  }

  async #cutLink() {
    const screen = this.#screen;
    screen.head('The link is cut');
    const cutAtMs = performance.now();
    const storedAtCut = this.#program.rows;
    this.#setLink('shut');
    await this.#feed(lineOf('2014-02-09'));
    await this.#headquarters.api.ask({
      operation: 'update',
      schema: 'default',
      table: 'configs',
      records: [{ id: 'sampling', every_minutes: 1 }],
    });
    await this.#headquarters.api.ask({
      operation: 'delete',
      schema: 'default',
      table: 'configs',
      hash_values: ['display'],
    });
    const waiting = this.#program.rows - this.#arrivals.rows;
    await this.#checkCut(storedAtCut);
    screen.say(
      `  The edge has stored ${grouped(this.#program.rows - storedAtCut)} readings on its own; headquarters has changed a configuration.`,
    );

    const downMs = performance.now() - cutAtMs;
    const stored = this.#program.rows;
    const openedAtMs = performance.now();
    this.#setLink('open');
    screen.head('The link is back');
    const feeding = this.#feed(measuredLines.length);
    feeding.catch(() => undefined);
    await this.#atHeadquarters(stored);
    const caughtUpAtMs = performance.now();
    await feeding;
    await this.#program.finish();
    await this.#atHeadquarters(measuredLines.length);
    for (const table of ['alerts', 'thresholds', 'configs'])
      await waitUntil(`the same ${table} on both sides`, limitMs, () => this.#isSame(table));
    await this.#arrivals.stop();
    screen.endProgress();
    screen.say('  The nodes have found each other by themselves; everything has arrived.');
    const backAtMs = this.#linkCameBackAtMs();
    return { downMs, waiting, dialMs: backAtMs - openedAtMs, catchUpMs: caughtUpAtMs - backAtMs };
  }

  /** When the first connection passed again, whoever dialled. */
  #linkCameBackAtMs() {
    const passed = [this.#toEdge, this.#toHeadquarters].flatMap(({ passedAtMs }) => passedAtMs ?? []);
    return Math.min(...passed);
  }

  async #atHeadquarters(rows) {
    await waitUntil(`${grouped(rows)} readings to be at headquarters`, limitMs, () => {
      this.#nodes.check();
      this.#arrivals.check();
      return this.#arrivals.rows >= rows;
    });
  }

  /** A cut that did not cut proves nothing. */
  async #checkCut(storedAtCut) {
    const { passing } = this.#toEdge;
    if (passing + this.#toHeadquarters.passing > 0) throw new Error('Something still passes the cut link');
    if (this.#arrivals.rows > storedAtCut) throw new Error('Readings went through a link that was cut');
    if ((await this.#edge.api.rows('configs')).get('sampling')?.every_minutes !== 5)
      throw new Error('A configuration went through a link that was cut');
  }

  #setLink(position) {
    this.#isLinkCut = position === 'shut';
    for (const gate of [this.#toEdge, this.#toHeadquarters]) gate[position]();
  }

  #feed(end, isEnough) {
    return this.#program.feed(end, () => {
      this.#nodes.check();
      this.#arrivals.check();
      return isEnough?.() === true;
    });
  }

  #showProgress() {
    const rows = this.#program.rows;
    const link = this.#isLinkCut ? 'link cut' : 'link up';
    this.#screen.progress(
      rows / measuredLines.length,
      `edge ${grouped(rows)}  headquarters ${grouped(this.#arrivals.rows)}  ${link}`,
    );
  }

  /** Each has heard of the other since then, so not over a link through the gates. */
  async #areConnectedSince(atMs) {
    const seen = await Promise.all([
      this.#edge.api.connection('headquarters'),
      this.#headquarters.api.connection('edge'),
    ]);
    return seen.every(({ status, last_seen: seenAtMs }) => status === 'open' && seenAtMs > atMs);
  }

  async #limitsAtEdge(low) {
    await waitUntil(`the low limit ${low} to reach the edge`, limitMs, async () => {
      const rows = await this.#edge.api.rows('thresholds');
      return rows.get(SENSOR)?.low === low;
    });
  }

  async #isSame(table) {
    const [ours, theirs] = await Promise.all([
      this.#edge.api.rows(table),
      this.#headquarters.api.rows(table),
    ]);
    return differing(ours, theirs).length === 0;
  }

  #sayHowToTalk() {
    const screen = this.#screen;
    const [edge, headquarters] = [this.#edge, this.#headquarters];
    const count = '{"operation":"describe_table","schema":"default","table":"sensor_data"}';
    screen.head('The nodes run on');
    for (const { name, api, rootPath } of [edge, headquarters])
      screen.say(
        `  ${name.padEnd(12)} ${api.url}  user admin, password ${api.password}  data in ${rootPath}`,
      );
    screen.say(`
  Ask one over HTTP, or with its command line:
    curl -u admin:${headquarters.api.password} -H 'content-type: application/json' -d '${count}' ${headquarters.api.url}
    ROOTPATH=${edge.rootPath} scripts/lyre cluster_status
    ROOTPATH=${headquarters.rootPath} scripts/lyre search_by_value schema=default table=alerts attribute=id value='*' get_attributes='["timestamp","value","limit"]'

  Stop both and remove their data:
    ROOTPATH=${edge.rootPath} scripts/lyre stop
    ROOTPATH=${headquarters.rootPath} scripts/lyre stop
    rm -r ${this.#nodes.directory}`);
  }
}

async function addNode({ api }, name, port, subscriptions) {
  await api.ask({ operation: 'add_node', name, host: '127.0.0.1', port, subscriptions });
}

async function createTable(api, table) {
  await api.ask({ operation: 'create_table', schema: 'default', table, hash_attribute: 'id' });
}

async function insert(api, table, records) {
  await api.ask({ operation: 'insert', schema: 'default', table, records });
}
