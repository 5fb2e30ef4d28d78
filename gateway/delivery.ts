import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { completeWithNulls } from './completion.ts';
import { isData, type Data } from './data.ts';
import type { Deferral, Mark } from './deferrals.ts';
import type { Path } from './errors.ts';
import type { Projection } from './projection.ts';
import { Run, type Step } from './run.ts';
import { type Content, type DeferredShape, objectsIn, type ObjectShape } from './shape.ts';
import type { Call } from './transport.ts';

/** A deferred fragment at one place of the answer. `data` is null when a field of it that cannot be null has no value. */
export type IncrementalItem = { label?: string; path: Path; data: Data | null; errors?: readonly GraphQLError[] };

/** One message of an answer that comes in parts, in the format of August 2022 that clients speak: the answer without what is deferred, then the rest. */
export type Part = ExecutionResult & { incremental?: readonly IncrementalItem[]; hasNext: boolean };

/** An answer that is given in parts. `giveUp` ends it with errors for all that is missing. */
export type Delivery = { done: Promise<void>; giveUp(result: ExecutionResult): void };
export type Deliver = (call: Call, emit: (part: Part) => void) => Delivery;

/** A deferred fragment of the operation. */
export type Group = { deferral: Deferral; parent: Group | null; children: Group[]; /** Numbers of the calls that it has fields of, with those that they build on. */ calls: ReadonlySet<number> };

export type Prepared = {
  steps: readonly { step: Step; after: readonly number[] }[];
  /** Numbers of the calls that the first part waits for. */
  first: ReadonlySet<number>;
  groups: readonly Group[];
  shape: ObjectShape;
  /** As if nothing were deferred: where errors stand. */
  whole: ObjectShape;
  projections: ReadonlyMap<DeferredShape, Projection>;
  /** Makes the first part. */
  finish: (run: Run) => ExecutionResult;
  introspect: ((run: Run) => Data) | null;
};

/** Makes all calls, each as soon as those are done that it builds on, and emits parts as they become complete. */
export function deliver(prepared: Prepared, call: Call, emit: (part: Part) => void, log: Logger): Delivery {
  const delivery = new PartDelivery(prepared, call, emit, log);
  return { done: delivery.start(), giveUp: (result) => delivery.giveUp(result) };
}

/** Something that was sent, where deferred fragments may stand: its shape, and what stands at a path of the answer. */
type Sent = { shape: ObjectShape; answer: unknown; path: Path };
type Place = { deferred: DeferredShape; raw: Data; path: Path };

class PartDelivery {
  readonly #prepared: Prepared;
  readonly #call: Call;
  readonly #emit: (part: Part) => void;
  readonly #log: Logger;
  /** One for all calls, each of which keeps its own errors. */
  readonly #data: Data = { __typename: '' };
  readonly #runs: readonly Run[];
  /** Groups whose places are known to be in the answer and that were not sent, with the answers that they stand in. */
  readonly #pending = new Map<Group, readonly Sent[]>();
  #isOver = false;
  #hasBegun = false;

  constructor(prepared: Prepared, call: Call, emit: (part: Part) => void, log: Logger) {
    this.#prepared = prepared;
    this.#call = call;
    this.#emit = emit;
    this.#log = log;
    this.#runs = prepared.steps.map(() => this.#run());
  }

  async start(): Promise<void> {
    const { steps, first, groups, shape, finish } = this.#prepared;
    const done: Promise<void>[] = [];
    for (const [number, { after }] of steps.entries()) {
      const made = this.#make(number, after, done);
      // A fault is heard by whoever waits for this call; nobody may.
      made.catch(() => undefined);
      done.push(made);
    }
    await allOf(first, done);
    if (this.#isOver) return;
    const run = this.#run();
    for (const number of first) run.errors.push(...this.#errorsOf(number).filter(({ path }) => !path || reaches(shape, path)));
    const answer = finish(run);
    const sent: Sent[] = [{ shape, answer: answer.data, path: [] }];
    const outermost = groups.filter((group) => group.parent === null && this.#placesOf(group, sent).length > 0);
    for (const group of outermost) this.#pending.set(group, sent);
    this.#hasBegun = true;
    this.#emit({ ...answer, hasNext: this.#pending.size > 0 });
    await Promise.all(outermost.map((group) => this.#deliver(group, done)));
  }

  /** All that is not sent yet has failed. */
  giveUp(result: ExecutionResult): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#hasBegun) return this.#emit({ ...result, hasNext: false });
    const incremental = [...this.#pending].flatMap(([group, sent]) => this.#placesOf(group, sent).map(({ path }, index): IncrementalItem => (
      { ...labelOf(group), path, data: null, ...index === 0 && result.errors && { errors: result.errors } }
    )));
    this.#pending.clear();
    this.#emit({ incremental, hasNext: false });
  }

  #run(): Run {
    const run = new Run(this.#prepared.whole, this.#call, this.#log);
    run.data = this.#data;
    return run;
  }

  #errorsOf(number: number): readonly GraphQLError[] {
    return this.#runs[number]?.errors ?? [];
  }

  async #make(number: number, after: readonly number[], done: readonly Promise<void>[]): Promise<void> {
    await allOf(after, done);
    const run = this.#runs[number];
    if (run && !this.#call.lifetime?.isOver) await this.#prepared.steps[number]?.step(run);
  }

  async #deliver(group: Group, done: readonly Promise<void>[]): Promise<void> {
    await allOf(group.calls, done);
    if (this.#isOver) return;
    const places = this.#placesOf(group, this.#pending.get(group) ?? []);
    const unplaced = this.#unplacedErrors(group, places);
    const items = places.map((place, index) => this.#itemOf(group, place, index === 0 ? unplaced : []));
    const sent = places.map(({ deferred, path }, index): Sent => ({ shape: deferred.shape, answer: items[index]?.data, path }));
    this.#pending.delete(group);
    const inner = group.children.filter((child) => this.#placesOf(child, sent).length > 0);
    for (const child of inner) this.#pending.set(child, sent);
    this.#emit({ incremental: items, hasNext: this.#pending.size > 0 });
    await Promise.all(inner.map((child) => this.#deliver(child, done)));
  }

  #itemOf(group: Group, { deferred, raw, path }: Place, unplaced: readonly GraphQLError[]): IncrementalItem {
    const { introspect, projections } = this.#prepared;
    const errors = [...unplaced];
    for (const number of group.calls) errors.push(...this.#errorsOf(number).filter((error) => error.path && isIn(error.path, path, deferred.shape)));
    const introspection = introspect?.(this.#run()) ?? {};
    const verdict = { violated: false };
    let data: Data | null = projections.get(deferred)?.(raw, verdict, introspection) ?? null;
    if (verdict.violated) {
      // What is known of failed calls explains nulls, also where it was told elsewhere.
      const known = [...group.calls].flatMap((number) => this.#errorsOf(number));
      const explained = [...known];
      data = completeWithNulls(deferred.shape, raw, introspection, explained, this.#call.request, path);
      errors.push(...explained.slice(known.length));
    }
    return { ...labelOf(group), path, data, ...errors.length > 0 && { errors } };
  }

  /** Errors of calls that only this group is about, at no place of it: a call that failed as a whole. */
  #unplacedErrors(group: Group, places: readonly Place[]): GraphQLError[] {
    const known = new Set(this.#prepared.first);
    for (let outer = group.parent; outer; outer = outer.parent) for (const number of outer.calls) known.add(number);
    return [...group.calls].filter((number) => !known.has(number)).flatMap((number) => this.#errorsOf(number))
      .filter((error) => !error.path || !places.some(({ path, deferred }) => isIn(error.path ?? [], path, deferred.shape)) && this.#isAbove(error.path, places));
  }

  #isAbove(path: Path, places: readonly Place[]): boolean {
    return places.some((place) => path.length <= place.path.length && path.every((key, index) => place.path[index] === key));
  }

  #placesOf(group: Group, sent: readonly Sent[]): Place[] {
    const places: Place[] = [];
    for (const { shape, answer, path } of sent) find(group.deferral.mark, shape, { raw: rawAt(this.#prepared.whole, this.#data, path), answer, path }, places);
    return places;
  }
}

async function allOf(numbers: Iterable<number>, done: readonly Promise<void>[]): Promise<void> {
  for (const number of numbers) await done[number];
}

const labelOf = ({ deferral: { label } }: Group): { label?: string } => (label === null ? {} : { label });

/** Whether an error stands at a field of this deferred fragment at this place, or below. */
function isIn(error: Path, place: Path, shape: ObjectShape): boolean {
  return error.length > place.length && place.every((key, index) => error[index] === key) && reaches(shape, error.slice(place.length));
}

/** Whether a path of the answer leads somewhere in a shape. */
function reaches(shape: ObjectShape, path: Path): boolean {
  let shapes: readonly ObjectShape[] = [shape];
  for (const key of path) {
    if (typeof key === 'number') continue;
    const fields = shapes.flatMap((one) => one.fields.filter((field) => field.key === key));
    if (fields.length === 0) return false;
    shapes = fields.flatMap(({ slot }) => objectsIn(slot.of));
  }
  return true;
}

/** What the subgraphs said of a place of the answer. */
function rawAt(shape: ObjectShape, data: Data, path: Path): unknown {
  let raw: unknown = data;
  let shapes: readonly ObjectShape[] = [shape];
  for (const key of path) {
    if (typeof raw !== 'object' || raw === null) return null;
    if (typeof key === 'number') {
      raw = Reflect.get(raw, key);
      continue;
    }
    const typeName = Reflect.get(raw, '__typename');
    const fields = shapes.flatMap((one) => one.fields.filter((field) => field.key === key && (shapes.length === 1 || one.typeName === typeName)));
    raw = Reflect.get(raw, fields[0]?.read ?? key);
    shapes = fields.flatMap(({ slot }) => objectsIn(slot.of));
  }
  return raw;
}

/** Every place of a deferred fragment in something that was sent: only there, for what is null in it has no places. */
function find(mark: Mark, shape: ObjectShape, { raw, answer, path }: { raw: unknown; answer: unknown; path: Path }, places: Place[]): void {
  if (!isData(raw) || !isData(answer)) return;
  for (const deferred of shape.deferred) if (deferred.mark === mark) places.push({ deferred, raw, path });
  for (const { key, read, slot, from } of shape.fields) {
    if (from === 'data') findInContent(mark, slot.of, { raw: raw[read], answer: answer[key], path: [...path, key] }, places);
  }
}

function findInContent(mark: Mark, content: Content, { raw, answer, path }: { raw: unknown; answer: unknown; path: Path }, places: Place[]): void {
  if (answer === null || answer === undefined || content.kind === 'leaf' || content.kind === 'enum') return;
  if (content.kind === 'object') return find(mark, content.shape, { raw, answer, path }, places);
  if (content.kind === 'abstract') {
    const shape = isData(raw) ? content.shapes.get(String(raw['__typename'])) : undefined;
    return shape && find(mark, shape, { raw, answer, path }, places);
  }
  if (!Array.isArray(raw) || !Array.isArray(answer)) return;
  for (let index = 0; index < answer.length; index++) findInContent(mark, content.item.of, { raw: raw[index], answer: answer[index], path: [...path, index] }, places);
}
