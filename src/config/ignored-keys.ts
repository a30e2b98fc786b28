/**
 * Keys that HarperDB 3.x-4.x knows and that have no meaning here, so that its files and environments are taken
 * as they are. A key that ends with `.*` stands for itself and everything below it.
 */
export const ignoredKeys: readonly string[] = [
  ...below('clustering', 'logLevel republishMessages databaseLevel tls.*'),
  ...below('clustering.hubServer', 'cluster.name leafNodes.network.port network.port'),
  ...below('clustering.leafServer', 'network.port'),
  ...below('clustering.leafServer.streams', 'maxMsgs path maxConsumeMsgs maxIngestThreads'),

  ...below('replication', 'hostname url databases.* routes.* port securePort shard'),
  ...below('replication', 'enableRootCAs mtls.* blobTimeout failOver replicateTo maxPayload'),
  ...below('replication', 'copyTablesToCatchUp pingInterval pingTimeout recordConcurrency'),
  ...below('replication', 'receiveEventHighWaterMark blobGapReconnectMs copyCheckpointRecords'),
  ...below('replication', 'blobSendDrainTimeout logging.*'),

  ...below('http', 'port securePort timeout keepAliveTimeout headersTimeout maxHeaderSize'),
  ...below('http', 'corsAccessControlAllowHeaders'),
  ...below('http', 'sessionAffinity mtls.* requestQueueLimit http2 https.* threads logging.*'),
  ...below('operationsApi', 'https foreground nodeEnv authentication.* tls.certificateAuthority'),
  ...below('operationsApi.network', 'headersTimeout keepAliveTimeout timeout mtls.*'),
  // A list when there are several host names.
  'tls',
  ...below('tls', 'certificateAuthority ciphers host logging.*'),
  ...below('authentication', 'cacheTTL hashFunction logging.*'),

  ...below('logging', 'auditRetention auditAuthEvents.* rotation.* external.* console path'),
  ...below('storage', 'writeAsync caching compression.* noReadAhead prefetchWrites pageSize'),
  ...below('storage', 'compactOnStart compactOnStartKeepBackup maxTransactionQueueTime'),
  ...below('storage', 'blobPaths.* reclamation.*'),

  ...words(
    'componentsRoot threads.* threads.count localStudio.enabled analytics.* analytics.aggregatePeriod',
  ),
  ...words('databases.* schemas.* ipc.* mqtt.* customFunctions.* node.hostname cloned'),
];

/** Names that exist only in the environment or on the command line. */
export const ignoredNames: readonly string[] = [
  ...words('TC_AGREEMENT DEFAULTS_MODE NODE_HOSTNAME HARPER_DEFAULT_CONFIG HARPER_SET_CONFIG'),
  ...words('HDB_LEADER_URL HDB_LEADER_USERNAME HDB_LEADER_PASSWORD HDB_LEADER_CLUSTERING_HOST'),
  ...words('HDB_FULLY_CONNECTED HDB_CLONE_CLUSTERING_HOST HDB_SET_CLUSTERING_HOST HDB_CLONE_OVERTOP'),
  ...words('CLONE_KEYS'),
  ...words('DISABLE_TRANSACTION_LOG SERVER_TIMEOUT_MS SERVER_KEEP_ALIVE_TIMEOUT SERVER_HEADERS_TIMEOUT'),
  ...words('MAX_HDB_PROCESSES MAX_HTTP_THREADS MAX_CUSTOM_FUNCTION_PROCESSES'),
  ...words('CUSTOM_FUNCTIONS CUSTOM_FUNCTIONS_PORT CUSTOM_FUNCTIONS_DIRECTORY'),
  'LOCAL_STUDIO_ON',
];

function below(section: string, keys: string): string[] {
  return words(keys).map((key) => `${section}.${key}`);
}

function words(text: string): string[] {
  return text.split(' ');
}
