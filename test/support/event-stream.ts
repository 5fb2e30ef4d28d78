/** One event as the server-sent events specification reads it; `id` is the last one that was given. */
export type EventOfStream<Data = GenerationEventData> = { id: string; event: string; data: Data };
/** What REST says in an event of a generation. */
export type GenerationEventData = {
  seq: number;
  at: string;
  status: string;
  stage: string;
  percent: number;
  eta_seconds: number | null;
  image?: { url: string; style: string };
  failure?: { code: string; message: string };
  gap?: boolean;
};

/** The events of an open response, as they come. Leaving the loop closes the connection. */
export async function* readEventStream<Data = GenerationEventData>(response: Response): AsyncGenerator<EventOfStream<Data>, undefined> {
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
  let [text, id] = ['', ''];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      const blocks = (text + value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = fieldsOf(block);
        id = fields.get('id') ?? id;
        const data = fields.get('data');
        if (data !== undefined) yield { id, event: fields.get('event') ?? 'message', data: JSON.parse(data) as Data };
      }
    }
  } finally {
    await reader.cancel();
  }
}

function fieldsOf(block: string): Map<string, string> {
  const lines = block.split('\n').filter((line) => !line.startsWith(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replace(/^ /, '')]));
}
