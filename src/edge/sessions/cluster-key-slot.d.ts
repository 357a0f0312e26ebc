declare module 'cluster-key-slot' {
  /** The slot of a key in a Redis Cluster. */
  const slotOf: (key: string) => number
  // biome-ignore lint: the module is CommonJS
  export = slotOf
}
