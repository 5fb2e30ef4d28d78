export type HairColor = {
  /** `color_101` and up; stable. */
  id: string;
  name: string;
  description: string;
  /** How the lit hair looks, sRGB `#rrggbb`. */
  hex: string;
  family: 'black' | 'brown' | 'blond' | 'red' | 'grey' | 'fashion';
};

const color = (number: number, name: string, family: HairColor['family'], hex: string, description: string): HairColor => ({ id: `color_${number}`, name, description, hex, family });

/** The hair colors on offer, naturals first. */
export const colors: readonly HairColor[] = [
  color(101, 'Brown', 'brown', '#5b3a26', 'Natural brown hair color'),
  color(102, 'Black', 'black', '#1c1817', 'Natural black hair color'),
  color(103, 'Soft black', 'black', '#2b2320', 'Soft black with a warm brown cast'),
  color(104, 'Blue black', 'black', '#191b26', 'Deep black with a cool blue sheen'),
  color(105, 'Espresso', 'brown', '#37241b', 'Very dark, warm brown'),
  color(106, 'Dark brown', 'brown', '#452d20', 'Natural dark brown hair color'),
  color(107, 'Chestnut', 'brown', '#673c27', 'Medium brown with red warmth'),
  color(108, 'Mocha', 'brown', '#6a4a39', 'Medium brown with a cool, muted tone'),
  color(109, 'Caramel', 'brown', '#8d5f3a', 'Light brown with golden warmth'),
  color(110, 'Ash brown', 'brown', '#6e5b4c', 'Medium brown with a cool ash tone'),
  color(111, 'Light brown', 'brown', '#845f43', 'Natural light brown hair color'),
  color(112, 'Dark blond', 'blond', '#957349', 'Natural dark blond hair color'),
  color(113, 'Honey blond', 'blond', '#b98a50', 'Warm, golden medium blond'),
  color(114, 'Golden blond', 'blond', '#cfa566', 'Bright blond with a golden tone'),
  color(115, 'Ash blond', 'blond', '#b7a180', 'Medium blond with a cool ash tone'),
  color(116, 'Beige blond', 'blond', '#c9ae86', 'Neutral light blond'),
  color(117, 'Platinum', 'blond', '#e2d6bd', 'Very light, cool blond'),
  color(118, 'Strawberry blond', 'blond', '#c98f5f', 'Light blond with a copper cast'),
  color(119, 'Auburn', 'red', '#6b2f1f', 'Dark red brown'),
  color(120, 'Copper', 'red', '#a5522a', 'Bright, natural copper red'),
  color(121, 'Ginger', 'red', '#bd6a35', 'Natural light orange red'),
  color(122, 'Mahogany', 'red', '#4f2224', 'Dark brown with a cool red tone'),
  color(123, 'Burgundy', 'red', '#5d1a2b', 'Deep wine red'),
  color(124, 'Cherry red', 'red', '#8f1f2c', 'Vivid dark red'),
  color(125, 'Salt and pepper', 'grey', '#77726d', 'Natural grey with dark strands'),
  color(126, 'Steel grey', 'grey', '#8b8f94', 'Cool medium grey'),
  color(127, 'Silver', 'grey', '#bcbdbf', 'Bright, cool silver grey'),
  color(128, 'White', 'grey', '#e4e1db', 'Natural white hair color'),
  color(129, 'Rose gold', 'fashion', '#d49a8d', 'Soft pink with a golden base'),
  color(130, 'Pastel pink', 'fashion', '#e6a9b8', 'Light pink'),
  color(131, 'Magenta', 'fashion', '#b02a78', 'Vivid pink red'),
  color(132, 'Lavender', 'fashion', '#a99bc4', 'Light, greyish violet'),
  color(133, 'Violet', 'fashion', '#5a3183', 'Vivid purple'),
  color(134, 'Midnight blue', 'fashion', '#22315f', 'Dark, cool blue'),
  color(135, 'Ocean blue', 'fashion', '#2f6fa5', 'Vivid medium blue'),
  color(136, 'Teal', 'fashion', '#1f7f80', 'Vivid green blue'),
  color(137, 'Emerald', 'fashion', '#1f7a4d', 'Vivid green'),
  color(138, 'Sunset orange', 'fashion', '#d8692c', 'Vivid orange'),
];
