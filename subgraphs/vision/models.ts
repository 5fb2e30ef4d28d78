import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export type ModelName = 'faceNear' | 'faceFar' | 'faceMesh' | 'person' | 'hair';

const require = createRequire(import.meta.url);

const FILES = {
  faceNear: '@mediapipe/face_detection/face_detection_short_range.tflite',
  faceFar: '@mediapipe/face_detection/face_detection_full_range.tflite',
  person: '@mediapipe/selfie_segmentation/selfie_segmentation.tflite',
} as const;

const PACKED = '@mediapipe/face_mesh/face_mesh_solution_packed_assets';
const MESH_ENTRY = /"filename": "[^"]*\/face_landmark\.tflite", "start": (\d+), "end": (\d+)/;

/** Weights of a model, read from the package that ships them; those of the hair net are our own. */
export async function readModel(name: ModelName): Promise<Uint8Array> {
  if (name === 'hair') return readFile(new URL('weights/hair.tflite', import.meta.url));
  return name === 'faceMesh' ? readMeshModel() : readFile(require.resolve(FILES[name]));
}

/** The mesh model is one slice of a packed file; the script beside it says which. */
async function readMeshModel(): Promise<Uint8Array> {
  const [data, loader] = await Promise.all([
    readFile(require.resolve(`${PACKED}.data`)),
    readFile(require.resolve(`${PACKED}_loader.js`), 'utf8'),
  ]);
  const entry = MESH_ENTRY.exec(loader);
  if (!entry) throw new Error('the face_mesh package no longer lists face_landmark.tflite');
  return data.subarray(Number(entry[1]), Number(entry[2]));
}
