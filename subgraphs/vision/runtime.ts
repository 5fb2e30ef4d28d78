import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import type { CompiledModel } from '@litertjs/core';
import { readModel } from './models.ts';
import type { ModelName } from './models.ts';

const require = createRequire(import.meta.url);

let started: Promise<unknown> | null = null;
const compiled = new Map<ModelName, Promise<CompiledModel>>();

/** Runs one model on one float input; answers its outputs in the model's order. One call at a time per thread. */
export async function runModel(name: ModelName, input: Float32Array, shape: number[]): Promise<Float32Array[]> {
  const model = await getModel(name);
  const tensor = new Tensor(input, shape);
  const outputs = await model.run(tensor);
  tensor.delete();
  return outputs.map((output) => {
    const values = output.toTypedArray();
    output.delete();
    if (!(values instanceof Float32Array)) throw new Error(`${name} does not answer in floats`);
    return values;
  });
}

async function getModel(name: ModelName): Promise<CompiledModel> {
  started ??= start();
  await started;
  const model = compiled.get(name) ?? readModel(name).then((bytes) => loadAndCompile(bytes, { accelerator: 'wasm' }));
  compiled.set(name, model);
  return model;
}

/** LiteRT expects a browser worker: it wants `self`, and `importScripts` to load its loader script. */
async function start(): Promise<void> {
  const loader = require.resolve('@litertjs/core/wasm/litert_wasm_internal.js');
  const importScripts = (path: string): void => {
    const exported: { exports: unknown } = { exports: {} };
    const run = compileFunction(readFileSync(path, 'utf8'), ['module', 'exports', 'require', '__filename', '__dirname'], { filename: path });
    run(exported, exported.exports, createRequire(path), path, dirname(path));
    Object.assign(globalThis, { ModuleFactory: exported.exports });
  };
  const quiet = { print: () => {}, printErr: () => {} };
  Object.assign(globalThis, { self: globalThis, importScripts, Module: quiet });
  // It looks for a GPU first and warns with a stack trace that there is none.
  const { warn } = console;
  Object.assign(console, { warn: () => {} });
  try {
    await loadLiteRt(loader);
  } finally {
    Object.assign(console, { warn });
  }
}
