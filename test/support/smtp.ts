import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

type Scope = { after(work: () => Promise<void>): void };
/** `text`: headers and body. */
export type Received = { from: string; to: string[]; text: string };

/** A small mail server on loopback. `mood`: takes letters, puts them off (451), or says nothing any more when it has read one. */
export async function startSmtp(t: Scope) {
  const letters: Received[] = [];
  const open = new Set<Socket>();
  const state = { mood: 'takes' as 'takes' | 'defers' | 'hangs', tries: 0 };
  const server = createServer((socket) => {
    open.add(socket.setEncoding('utf8').on('error', () => undefined).once('close', () => open.delete(socket)));
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let letter: Received | null = null;
    let isData = false;
    const finish = (): void => {
      state.tries += 1;
      if (state.mood === 'takes' && letter) letters.push(letter);
      if (state.mood !== 'hangs') say(state.mood === 'takes' ? '250 taken' : '451 later');
    };
    const hear = (line: string): void => {
      if (isData && line !== '.') return void (letter && (letter.text += `${line.replace(/^\./, '')}\n`));
      if (isData) {
        isData = false;
        return finish();
      }
      const command = line.slice(0, 4).toUpperCase();
      if (command === 'MAIL') letter = { from: addressIn(line), to: [], text: '' };
      if (command === 'RCPT') letter?.to.push(addressIn(line));
      isData = command === 'DATA';
      if (command === 'QUIT') socket.end('221 bye\r\n');
      else say(isData ? '354 go on' : '250 ok');
    };
    createInterface(socket).on('line', hear);
    say('220 mail.test');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    open.forEach((socket) => socket.destroy());
    server.close();
  });
  return { letters, state, url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const addressIn = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? '';
