/** The operations API of one node, as any client would speak to it. */
export class NodeApi {
  /**
   * @param {string} url
   * @param {string} username
   * @param {string} password
   */
  constructor(url, username, password) {
    this.url = url;
    this.username = username;
    this.password = password;
    this.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /**
   * @param {object} operation
   * @returns {Promise<any>}
   * @throws an Error with the node's own words
   */
  async ask(operation) {
    const { status, answer } = await this.#post(operation);
    if (status === 200) return answer;
    throw new Error(`${JSON.stringify(operation)} was answered with ${status}: ${answer.error}`);
  }

  /**
   * The rows of a table by their key; none when there is no such table.
   *
   * @param {string} table
   * @returns {Promise<Map<string, Record<string, unknown>>>}
   */
  async rows(table) {
    const { status, answer } = await this.#post({
      operation: 'search_by_value',
      schema: 'default',
      table,
      search_attribute: 'id',
      search_value: '*',
      get_attributes: ['*'],
    });
    if (status === 404) return new Map();
    if (status !== 200) throw new Error(`The rows of ${table} cannot be read: ${answer.error}`);
    return new Map(answer.map((row) => [row.id, row]));
  }

  /**
   * @param {string} table
   * @returns {Promise<number | undefined>} undefined when there is no such table
   */
  async count(table) {
    const { status, answer } = await this.#post({ operation: 'describe_table', schema: 'default', table });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`${table} cannot be described: ${answer.error}`);
    return answer.record_count;
  }

  /**
   * @param {string} name of a peer
   * @returns {Promise<any>} what cluster_status says of the connection to it
   */
  async connection(name) {
    const { connections } = await this.ask({ operation: 'cluster_status' });
    return connections.find((connection) => connection.node_name === name);
  }

  /**
   * @param {object} operation
   * @returns {Promise<{ status: number, answer: any }>}
   */
  async #post(operation) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      body: JSON.stringify(operation),
    });
    return { status: response.status, answer: await response.json() };
  }
}
