/** Every node's certificate carries this name; who it is follows from the pinned certificate, not from the name. */
export const tlsServerName = 'node.lyredb';
