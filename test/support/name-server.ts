import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Addresses of a name at its n-th question for that kind of address, counted from 1. Null: no answer at all. */
type Zone = Record<string, (question: number) => readonly string[] | null>;

/** A name server on loopback that says whatever a test wants, and counts what it was asked. */
export async function openNameServer(t: { after(work: () => Promise<void> | void): void }, zone: Zone) {
  const asked = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { name, type, end } = questionOf(message);
    const key = `${name} ${type}`;
    asked.set(key, (asked.get(key) ?? 0) + 1);
    const found = zone[name]?.(asked.get(key) ?? 1) ?? (name in zone ? null : []);
    if (found === null) return;
    const answers = found.map((text) => ipaddr.parse(text)).filter((parsed) => (parsed.kind() === 'ipv4') === (type === 1));
    const isKnown = name in zone;
    const header = Buffer.from([message[0] ?? 0, message[1] ?? 0, 0x81, isKnown ? 0x80 : 0x83, 0, 1, 0, answers.length, 0, 0, 0, 0]);
    const records = answers.map((parsed) => {
      const bytes = parsed.toByteArray();
      // A pointer to the name in the question, its kind, class IN, no time to live.
      return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]);
    });
    socket.send(Buffer.concat([header, message.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => void socket.close());
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked: (name: string): number => asked.get(`${name} 1`) ?? 0 };
}

function questionOf(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}
