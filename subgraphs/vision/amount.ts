import { EngineRefusal } from './engine.ts';
import type { PreparedPhoto } from './engine.ts';
import { faceFrame } from './mesh.ts';

/** Least hair of a head that is not bald, in squares of the face's height: of 50 portraits those of bald heads have 0.00 and the thinnest hair 0.11. */
const LEAST_HAIR = 0.05;

export function isBald({ hair, landmarks }: Pick<PreparedPhoto, 'hair' | 'landmarks'>): boolean {
  const { unit } = faceFrame(landmarks);
  return hair.reduce((sum, value) => sum + value, 0) < LEAST_HAIR * unit * unit;
}

/**
 * A head without hair has no hairline to dress, and where one would be is nobody's guess but the client's: it is drawn when that is asked for.
 * @throws EngineRefusal NO_HAIR.
 */
export function requireHairline(photo: Pick<PreparedPhoto, 'hair' | 'landmarks'>, forceNewHairline: boolean): void {
  if (!forceNewHairline && isBald(photo)) throw new EngineRefusal('NO_HAIR', 'The head in the photo has no hair; with force_new_hairline it is given some');
}
