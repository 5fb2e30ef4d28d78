/** Makes the bytes of a file that is small to send and dear to read. */
export type Bomb = () => Uint8Array | Promise<Uint8Array>;

/** What an upload may have. */
export const mostBytes = 5 * 1024 * 1024;

export const repeated = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
/** So many in a row; a call takes fewer arguments than that. */
export const many = (count: number, make: (at: number) => Uint8Array): Buffer => Buffer.concat(repeated(count, make));
export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
export const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
