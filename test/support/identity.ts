import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { decodeRaster } from '../../subgraphs/vision/decode.ts';
import { detectFaces } from '../../subgraphs/vision/faces.ts';
import { fitMesh } from '../../subgraphs/vision/mesh.ts';
import { cut, pyramid } from '../../subgraphs/vision/raster.ts';

type Tensor = { dispose(): void };
/** As much as is used here of the browser build of @vladmandic/face-api, which brings its own tensors on the CPU. */
type FaceApi = {
  tf: {
    setBackend(name: 'cpu'): Promise<boolean>;
    tensor3d(values: Uint8Array, shape: [number, number, number], type: 'int32'): Tensor;
    io: { decodeWeights(bytes: ArrayBuffer, specs: unknown): unknown };
  };
  nets: { faceRecognitionNet: { loadFromWeightMap(weights: unknown): void; computeFaceDescriptor(face: Tensor): Promise<Float32Array> } };
};

const SIDE = 150;
let loading: Promise<FaceApi> | null = null;

/** Distance of the faces in two pictures by the descriptors of face-api, each cut out in the same way: 0 the same picture; other people are 0.4 and more apart. */
export async function identityDistance(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, other] = [await descriptorOf(a), await descriptorOf(b)];
  return Math.sqrt(one.reduce((sum, value, index) => sum + (value - (other[index] ?? 0)) ** 2, 0));
}

async function descriptorOf(bytes: Uint8Array): Promise<Float32Array> {
  const { tf, nets } = await (loading ??= load());
  const tensor = tf.tensor3d(await faceOf(bytes), [SIDE, SIDE, 3], 'int32');
  const descriptor = await nets.faceRecognitionNet.computeFaceDescriptor(tensor);
  tensor.dispose();
  return descriptor;
}

async function load(): Promise<FaceApi> {
  const root = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
  // It asks for a browser before it takes a picture's bytes.
  // Something for `instanceof` to ask.
  function nothing(): void {}
  const document = { createElement: () => ({ getContext: () => null }), body: {} };
  Object.assign(globalThis, { window: globalThis, document, HTMLCanvasElement: nothing, HTMLImageElement: nothing, HTMLVideoElement: nothing, ImageData: nothing, CanvasRenderingContext2D: nothing, Image: nothing });
  const api = (await import(join(root, 'dist/face-api.esm.js'))) as FaceApi;
  await api.tf.setBackend('cpu');
  const file = (name: string): Buffer => readFileSync(join(root, 'model', name));
  const manifest = JSON.parse(file('face_recognition_model-weights_manifest.json').toString()) as { weights: unknown[] }[];
  const weights = Uint8Array.from(file('face_recognition_model.bin'));
  api.nets.faceRecognitionNet.loadFromWeightMap(api.tf.io.decodeWeights(weights.buffer, manifest.flatMap((group) => group.weights)));
  return api;
}

/** The face as its landmarks bound it, upright as the picture is. */
async function faceOf(bytes: Uint8Array): Promise<Uint8Array> {
  const levels = pyramid(await decodeRaster(bytes, 1024));
  const [face] = await detectFaces(levels);
  if (!face) throw new Error('no face to be recognised');
  const { points } = await fitMesh(levels, face);
  const [xs, ys] = [points.filter((_, i) => i % 3 === 0), points.filter((_, i) => i % 3 === 1)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = Math.max(right - left, bottom - top) * 1.2;
  const step = side / SIDE;
  return Uint8Array.from(cut(levels, [step, 0, (left + right - side) / 2, 0, step, (top + bottom - side) / 2], SIDE, SIDE));
}
