import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colors } from '../../../subgraphs/palette.ts';
import { fitOf, hairColorRules, recommend } from '../../../subgraphs/skinshade/advice.ts';
import {
  deltaE2000, hexOf, householdOf, hueOf, labOf, monkToneOf, monthOf, nextMonth, secondsToNextMonth, toneRangeOf, typologyAngleOf, undertoneOf,
} from '../../../subgraphs/skinshade/rules.ts';

/** L1 a1 b1, L2 a2 b2, difference: the data of Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", table 1. */
const published: [number, number, number, number, number, number, number][] = [
  [50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425], [50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615], [50, 2.8361, -74.02, 50, 0, -82.7485, 3.4412],
  [50, -1.3802, -84.2814, 50, 0, -82.7485, 1], [50, -1.1848, -84.8006, 50, 0, -82.7485, 1], [50, -0.9009, -85.5211, 50, 0, -82.7485, 1],
  [50, 0, 0, 50, -1, 2, 2.3669], [50, -1, 2, 50, 0, 0, 2.3669], [50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792], [50, 2.49, -0.001, 50, -2.49, 0.001, 7.1792],
  [50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195], [50, 2.49, -0.001, 50, -2.49, 0.0012, 7.2195], [50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045],
  [50, -0.001, 2.49, 50, 0.001, -2.49, 4.8045], [50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461], [50, 2.5, 0, 50, 0, -2.5, 4.3065],
  [50, 2.5, 0, 73, 25, -18, 27.1492], [50, 2.5, 0, 61, -5, 29, 22.8977], [50, 2.5, 0, 56, -27, -3, 31.903], [50, 2.5, 0, 58, 24, 15, 19.4535],
  [50, 2.5, 0, 50, 3.1736, 0.5854, 1], [50, 2.5, 0, 50, 3.2972, 0, 1], [50, 2.5, 0, 50, 1.8634, 0.5757, 1], [50, 2.5, 0, 50, 3.2592, 0.335, 1],
  [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644], [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.263],
  [61.2901, 3.7196, -5.3901, 61.4292, 2.248, -4.962, 1.8731], [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
  [22.7233, 20.0904, -46.694, 23.0331, 14.973, -42.5619, 2.0373], [36.4612, 47.858, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
  [90.8027, -2.0831, 1.441, 91.1528, -1.6435, 0.0447, 1.4441], [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
  [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377], [2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082],
];

test('CIEDE2000 gives the 34 published differences, in both directions', () => {
  for (const [l1, a1, b1, l2, a2, b2, expected] of published) {
    const [one, two] = [{ l: l1, a: a1, b: b1 }, { l: l2, a: a2, b: b2 }];
    assert.ok(Math.abs(deltaE2000(one, two) - expected) < 0.00006, `${deltaE2000(one, two)} instead of ${expected}`);
    assert.ok(Math.abs(deltaE2000(two, one) - expected) < 0.00006);
  }
});

test('CIELAB of sRGB corners is the published one', () => {
  const corners = { '#ffffff': [100, 0, 0], '#000000': [0, 0, 0], '#ff0000': [53.24, 80.09, 67.2], '#00ff00': [87.74, -86.18, 83.18], '#0000ff': [32.3, 79.19, -107.86] };
  for (const [hex, expected] of Object.entries(corners)) {
    const { l, a, b } = labOf(hex);
    for (const [index, value] of [l, a, b].entries()) assert.ok(Math.abs(value - (expected[index] ?? 0)) < 0.03, `${hex}: ${l} ${a} ${b}`);
  }
});

test('tone ranges change at 55, 41, 28, 10 and -30 degrees', () => {
  const skin = (angle: number) => ({ l: 50 + 20 * Math.sin((angle * Math.PI) / 180), a: 10, b: 20 * Math.cos((angle * Math.PI) / 180) });
  const ranges = [56, 54, 42, 40, 29, 27, 11, 9, -29, -31].map((angle) => toneRangeOf(skin(angle)));
  assert.deepEqual(ranges, ['FAIR', 'LIGHT', 'LIGHT', 'MEDIUM', 'MEDIUM', 'TAN', 'TAN', 'DEEP', 'DEEP', 'DARK']);
  assert.ok(Math.abs(typologyAngleOf(skin(33)) - 33) < 1e-9);
});

test('undertones change at 50 and 60 degrees of hue', () => {
  const skin = (hue: number) => ({ l: 60, a: 20 * Math.cos((hue * Math.PI) / 180), b: 20 * Math.sin((hue * Math.PI) / 180) });
  assert.deepEqual([49, 51, 59, 61, 350].map((hue) => undertoneOf(skin(hue))), ['COOL', 'NEUTRAL', 'NEUTRAL', 'WARM', 'COOL']);
  assert.ok(Math.abs(hueOf(skin(200)) - 200) < 1e-9);
});

test('a fit tells lightness contrast, difference and a reason, and stays within 0 and 1', () => {
  const hairs = ['#0b0b0d', '#3b2417', '#6a4a2f', '#b8863b', '#e6cfa0', '#8c1c13', '#9fa3a8', '#2f4a9c', '#ff5fb0', '#ffffff'];
  for (const skin of ['#f6e3d4', '#e0b18c', '#c68642', '#8d5524', '#4a2c1a', '#000000', '#ffffff']) {
    for (const hair of hairs) {
      const { score, contrast, deltaE, reason } = fitOf(skin, hair);
      assert.ok(score >= 0 && score <= 1 && contrast >= 0 && contrast <= 100 && deltaE >= 0, `${skin} ${hair}`);
      assert.match(reason, /^It .+, and its (warm|cool|neutral) tone .+ undertone\.$/);
    }
  }
});

test('hair of the color of the skin fits worse than hair that frames the face', () => {
  assert.ok(fitOf('#e0b18c', '#e0b18c').score < fitOf('#e0b18c', '#3b2417').score);
  assert.equal(fitOf('#e0b18c', '#e0b18c').contrast, 0);
});

test('warm skin prefers gold over ash of the same lightness, cool skin the reverse', () => {
  const [gold, ash] = ['#b8863b', '#8e9196'];
  const [warm, cool] = ['#c99662', '#e3bdb7'];
  assert.deepEqual([fitOf(warm, gold).undertone, fitOf(cool, gold).undertone], ['WARM', 'COOL']);
  assert.ok(fitOf(warm, gold).score > fitOf(warm, ash).score);
  assert.ok(fitOf(cool, ash).score > fitOf(cool, gold).score);
});

test('a color is the same again after CIELAB, and what sRGB cannot show is clipped', () => {
  for (const { hex } of colors) assert.equal(hexOf(labOf(hex)), hex);
  assert.match(hexOf({ l: 120, a: 90, b: -200 }), /^#[0-9a-f]{6}$/);
});

test('each swatch of the Monk scale is the nearest to itself, and skins lie on it in order', () => {
  const swatches = ['#f6ede4', '#f3e7db', '#f7ead0', '#eadaba', '#d7bd96', '#a07e56', '#825c43', '#604134', '#3a312a', '#292420'];
  assert.deepEqual(swatches.map((hex) => monkToneOf(labOf(hex))), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('recommendations are what suits says of each color, the best first', () => {
  for (const skin of ['#f6e3d4', '#c68642', '#4a2c1a']) {
    const all = recommend(skin, null);
    assert.deepEqual(all.map(({ color, fit }) => [fit, color.hex]), all.map(({ color }) => [fitOf(skin, color.hex), color.hex]));
    assert.deepEqual(all.map(({ fit }) => fit.score), all.map(({ fit }) => fit.score).toSorted((a, b) => b - a));
    assert.ok(all.length >= 24 && all.every(({ color }) => colors.find(({ id }) => id === color.id)?.family !== 'fashion'));
  }
  assert.deepEqual([...new Set(recommend('#c68642', ['Fashion', 'red']).map(({ color }) => colors.find(({ id }) => id === color.id)?.family))].sort(), ['fashion', 'red']);
  assert.notDeepEqual(recommend('#f6e3d4', null).slice(0, 3), recommend('#4a2c1a', null).slice(0, 3));
});

test('the rules say what they rest on, and their weights add up to 1', () => {
  assert.equal(hairColorRules.reduce((sum, { weight }) => sum + weight, 0), 1);
  for (const { statement, sources } of hairColorRules) assert.ok(statement.length > 40 && sources.length > 1);
});

test('months are those of UTC', () => {
  const lastMoment = new Date('2026-01-31T23:59:59.500Z');
  assert.deepEqual([monthOf(lastMoment), nextMonth(lastMoment).toISOString(), secondsToNextMonth(lastMoment)], ['2026-01-01', '2026-02-01T00:00:00.000Z', 1]);
  assert.equal(nextMonth(new Date('2026-12-15T00:00:00Z')).toISOString(), '2027-01-01T00:00:00.000Z');
});

test('a household is an IPv4 address or 64 bits of an IPv6 one, however they are written', () => {
  const same = [['203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109'], ['2001:db8::1', '2001:0db8:0:0:1::', '2001:DB8::ffff'], ['fe80::1', 'fe80::2']];
  const households = same.map((addresses) => new Set(addresses.map(householdOf)));
  assert.deepEqual(households.map(({ size }) => size), [1, 1, 1]);
  assert.equal(new Set(households.flatMap((set) => [...set])).size, 3);
  assert.notEqual(householdOf('2001:db8:0:1::'), householdOf('2001:db8::'));
});
