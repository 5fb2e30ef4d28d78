import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createHttpClient } from '../../../gateway/http-client.ts';

/**
 * The limit: what somebody would write who knows the one operation and nothing else. The same seven calls with the same queries as the gateway's
 * plan, over the same client, joined by hand.
 */
const base = new URL(process.argv[2] ?? '');
const client = createHttpClient({ origin: base, timeoutMs: 10_000, connectTimeoutMs: 2_000, maxConnections: 512, maxBodyBytes: 1 << 26 });

type Product = { __typename: string; upc: string; name: string; price: number; weight: number; inStock: boolean; shippingEstimate: number; reviews: Review[] };
type User = { __typename: string; id: string; name: string; username: string; reviews: Review[] };
type Review = { id: string; body: string; author: User; product: Product };

function call<Answer>(name: string, query: string): (variables?: object) => Promise<Answer> {
  const head = `POST /${name} HTTP/1.1\r\nhost: ${base.host}\r\ncontent-type: application/json\r\naccept: application/json\r\n`;
  const start = `{"query":${JSON.stringify(query)}`;
  return async (variables) => {
    const { text } = await client.send(head, variables ? `${start},"variables":${JSON.stringify(variables)}}` : `${start}}`, true, null);
    return (JSON.parse(text) as { data: Answer }).data;
  };
}

const users = call<{ users: User[] }>('accounts', '{users{__typename id username name}}');
const top = call<{ topProducts: Product[] }>('products', '{topProducts{__typename upc name price weight}}');
const reviewsOf = call<{ p: Product[]; u: User[] }>('reviews', `query($p:[_Any!]!,$u:[_Any!]!){p:_entities(representations:$p){...on Product{reviews{...a}}}u:_entities(representations:$u){...on User{reviews{id body product{__typename upc reviews{...a}}}}}}
  fragment a on Review{id body author{__typename id username reviews{id body product{__typename upc}}}}`);
const details = call<{ _entities: Product[] }>('products', 'query($r:[_Any!]!){_entities(representations:$r){...on Product{price weight name}}}');
const names = call<{ _entities: User[] }>('accounts', 'query($r:[_Any!]!){_entities(representations:$r){...on User{name}}}');
const stock = call<{ _entities: Product[] }>('inventory', 'query($r:[_Any!]!){_entities(representations:$r){...on Product{shippingEstimate inStock}}}');

async function answer(): Promise<string> {
  const [{ users: people }, { topProducts }] = await Promise.all([users(), top()]);
  const [{ _entities: topStock }, { p, u }] = await Promise.all([
    stock({ r: topProducts.map(({ upc, price, weight }) => ({ __typename: 'Product', upc, price, weight })) }),
    reviewsOf({ p: topProducts.map(({ upc }) => ({ __typename: 'Product', upc })), u: people.map(({ id }) => ({ __typename: 'User', id })) }),
  ]);
  const products = new Map<string, Product>();
  const authors = new Map<string, User>();
  const visit = (reviews: Review[]): void => {
    for (const { product, author } of reviews) {
      if (product) {
        products.set(product.upc, product);
        if (product.reviews) visit(product.reviews);
      }
      if (!author) continue;
      authors.set(author.id, author);
      visit(author.reviews);
    }
  };
  for (const { reviews } of u) visit(reviews);
  for (const { reviews } of p) visit(reviews);
  const upcs = [...products.keys()];
  const ids = [...authors.keys()];
  const [{ _entities: found }, { _entities: named }] = await Promise.all([
    details({ r: upcs.map((upc) => ({ __typename: 'Product', upc })) }), names({ r: ids.map((id) => ({ __typename: 'User', id })) }),
  ]);
  const { _entities: stocked } = await stock({ r: upcs.map((upc, index) => ({ __typename: 'Product', upc, price: found[index]?.price, weight: found[index]?.weight })) });
  const whole = new Map(upcs.map((upc, index) => {
    const { inStock, shippingEstimate } = stocked[index] as Product;
    const { name, price, weight } = found[index] as Product;
    return [upc, { inStock, name, price, shippingEstimate, upc, weight }];
  }));
  const nameOf = new Map(ids.map((id, index) => [id, named[index]?.name]));
  const inner = ({ id, body, product }: Review) => ({ id, body, product: whole.get(product.upc) });
  const reviewed = ({ id, body, author }: Review) => ({ id, body, author: { id: author.id, username: author.username, name: nameOf.get(author.id), reviews: author.reviews.map(inner) } });
  return JSON.stringify({
    data: {
      users: people.map(({ id, username, name }, index) => ({
        id, username, name, reviews: u[index]?.reviews.map((review) => ({ id: review.id, body: review.body, product: { ...whole.get(review.product.upc), reviews: review.product.reviews.map(reviewed) } })),
      })),
      topProducts: topProducts.map(({ name, price, upc, weight }, index) => {
        const { inStock, shippingEstimate } = topStock[index] as Product;
        return { inStock, name, price, shippingEstimate, upc, weight, reviews: p[index]?.reviews.map(reviewed) };
      }),
    },
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(request, 'end');
  return Buffer.concat(chunks).toString('utf8');
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  JSON.parse(await textOf(request));
  const text = await answer();
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text);
}

const server = createServer((request, response) => void serve(request, response));
server.listen(Number(process.argv[3]), '127.0.0.1');
