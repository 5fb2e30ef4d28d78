import { RecentlyUsed } from './recently-used.ts';

/** The types of answer that a client can read. */
export type Accepted = {
  json: boolean;
  graphqlJson: boolean;
  /** It names application/json and not the newer type. */
  onlyPlainJson: boolean;
  /** How it reads a subscription: what it names first. Null: not over HTTP. */
  stream: 'event-stream' | 'multipart' | null;
  /** Whether it reads the parts of an answer with @defer. */
  incremental: boolean;
};

type Range = { type: string; parameters: ReadonlyMap<string, string> };

const known = new RecentlyUsed<Accepted>(200);

export function readAccept(header: string | undefined): Accepted {
  const text = header ?? '*/*';
  const found = known.get(text);
  if (found) return found;
  const accepted = acceptedOf(rangesOf(text));
  known.set(text, accepted, 1 + text.length / 200);
  return accepted;
}

function acceptedOf(ranges: readonly Range[]): Accepted {
  const names = (...types: string[]): boolean => ranges.some(({ type }) => types.includes(type));
  return {
    json: names('*/*', 'application/*', 'application/json', 'application/graphql-response+json'),
    graphqlJson: names('application/graphql-response+json'),
    onlyPlainJson: names('application/json') && !names('application/graphql-response+json'),
    stream: ranges.map(streamOf).find((stream) => stream !== null) ?? null,
    incremental: ranges.some(isIncremental),
  };
}

function streamOf({ type, parameters }: Range): Accepted['stream'] {
  if (type === 'text/event-stream') return 'event-stream';
  return type === 'multipart/mixed' && parameters.get('subscriptionspec') === '1.0' ? 'multipart' : null;
}

/** Who names no format of incremental parts reads the oldest that is still spoken. */
function isIncremental({ type, parameters }: Range): boolean {
  if (type !== 'multipart/mixed') return false;
  return parameters.get('deferspec') === '20220824' || !['deferspec', 'subscriptionspec', 'incrementalspec'].some((name) => parameters.has(name));
}

/** Without those that are refused by `q=0`. Quotes around a parameter's value mean nothing. */
function rangesOf(header: string): Range[] {
  const ranges = header.split(',').map((text): Range => {
    const [type = '', ...given] = text.split(';').map((part) => part.trim());
    const parameters = given.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replace(/^(["'])(.*)\1$/, '$2')] as const;
    });
    return { type: type.toLowerCase(), parameters: new Map(parameters) };
  });
  return ranges.filter(({ parameters }) => !/^0(\.0*)?$/.test(parameters.get('q') ?? '1'));
}
