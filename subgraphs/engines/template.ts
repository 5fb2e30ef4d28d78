import type { HairstyleRequest, HeadshotRequest } from '../vision/engine.ts';

/** What a template may ask for by `{{name}}`. `image` is what the engine calls the photo. */
export type Values = Readonly<Record<string, string | number>> & { image: string };
type Size = { width: number; height: number };

/** Everything about a request but the picture itself. */
export function hairstyleValues({ words, color }: HairstyleRequest, image: string, seed: number, size: Size): Values {
  const { description = '', tags = [], color: name = null, gender = 'person' } = words ?? {};
  return { image, style: description, tags: tags.join(', '), color: name ?? 'natural', hex: color?.hex ?? '', gender, seed, ...size };
}

/** The same about a headshot: `{{background}}` as `studio grey`, `{{framing}}` as `close`, `{{aspect}}` as `4:5`, and the size that is wanted. */
export const headshotValues = ({ shot: { backdrop, framing, aspect } }: HeadshotRequest, image: string, seed: number, size: Size): Values => ({ image, background: backdrop.replaceAll('-', ' '), framing, aspect, seed, ...size });

/** A copy with every `{{name}}` in its texts filled in. A text that is nothing but the name of a number becomes that number. */
export function filled(template: unknown, values: Values): unknown {
  if (typeof template === 'string') return filledText(template, values);
  if (Array.isArray(template)) return template.map((item) => filled(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, filled(value, values)]));
}

function filledText(text: string, values: Values): string | number {
  const all = new Map<string, string | number>(Object.entries(values));
  const whole = /^\{\{(\w+)\}\}$/.exec(text)?.[1];
  const value = whole === undefined ? undefined : all.get(whole);
  return value ?? text.replaceAll(/\{\{(\w+)\}\}/g, (given, name: string) => String(all.get(name) ?? given));
}
