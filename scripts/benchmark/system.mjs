/**
 * What the loads need of a system: a publisher and a subscriber, and the same steps for both contenders.
 * Rows are numbered from 0 in each table, without gaps except in `singles`.
 *
 * @typedef {object} System
 * @property {string} name
 * @property {() => Promise<{ version: string, settings: string }>} describe versions and durability, for the report
 * @property {() => Promise<void>} startPublisher
 * @property {() => Promise<void>} startSubscriber
 * @property {(table: string, options: { isIndexed: boolean, isReplicated: boolean }) => Promise<void>} createTable
 * @property {(options: { table: string, connections: number, warmUpMs: number, windowMs: number }) => Promise<import('./rate.mjs').Rate>} singles
 * @property {(table: string, how?: 'insert' | 'bulk') => Promise<Writer>} openWriter `bulk`: the fastest way the system has
 * @property {(table: string) => Promise<Probe>} openProbe at the subscriber
 * @property {(table: string) => Promise<number>} progress rows at the subscriber, cheap, may be ahead by rows in flight
 * @property {(table: string) => Promise<number>} rowsAtSubscriber exact
 * @property {(table: string) => Promise<number>} rowsAtPublisher exact
 * @property {(tables: readonly string[]) => Promise<void>} link subscribes, the rows that exist included
 * @property {() => Promise<Map<string, number>>} [wireBytes] between publisher and subscriber so far, by connection; none where connections last for one request
 * @property {(table: string) => Promise<{ progress: () => Promise<number> }>} startFollower one more subscriber, of this table alone
 * @property {(table: string) => Promise<Searcher>} openSearcher at the publisher
 * @property {() => Promise<void>} cut
 * @property {() => Promise<void>} restore resolves when the subscriber is ready again
 * @property {() => number} cpuSeconds of all its processes
 * @property {() => number} idleMiB of the publisher, now
 * @property {() => number} peakMiB largest process of the subscriber, pages of mapped files included
 * @property {() => number} ownMiB largest process of the subscriber, now: what it has for itself, without the pages of its store
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Writer one connection
 * @property {(first: number, count: number) => Promise<void>} write resolves when the rows are durable
 * @property {() => void} close
 */

/**
 * @typedef {object} Probe one connection
 * @property {(id: string) => Promise<boolean>} has
 * @property {() => void} close
 */

/**
 * @typedef {object} Searcher one connection; each search tells how many rows came back
 * @property {(id: string) => Promise<number>} byId
 * @property {(first: number, count: number) => Promise<number>} byTime by the index of `recorded_at`, from `first` on
 * @property {(text: string) => Promise<number>} byNote notes that contain a text: no index helps
 * @property {() => void} close
 */

export {};
