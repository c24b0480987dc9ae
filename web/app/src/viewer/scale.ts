// Pixels to micrometres and to the magnification of a microscope.

export interface Scaled {
  mpp: { x: number; y: number } | null;
  magnification: number | null;
}

/** Ten micrometres divided by the micrometres of one pixel: 0.25 µm is 40×, as scanners name it. */
const MICROMETRES_AT_ONE = 10;

/** Magnification at `resolution` level-0 pixels per screen pixel; null when the slide does not say. */
export function magnificationAt(slide: Scaled, resolution: number): number | null {
  if (slide.mpp) return MICROMETRES_AT_ONE / (slide.mpp.x * resolution);
  return slide.magnification === null ? null : slide.magnification / resolution;
}

export function magnificationText(value: number): string {
  return `${value >= 10 ? Math.round(value) : value.toPrecision(2)}×`;
}

export function lengthText(micrometres: number): string {
  return micrometres >= 1000
    ? `${(micrometres / 1000).toPrecision(3)} mm`
    : `${micrometres.toPrecision(3)} µm`;
}

/** The length of a bar, which is round. */
export function barText(micrometres: number): string {
  return micrometres >= 1000 ? `${micrometres / 1000} mm` : `${micrometres} µm`;
}

export function areaText(squareMillimetres: number): string {
  return squareMillimetres >= 0.01
    ? `${squareMillimetres.toPrecision(3)} mm²`
    : `${Math.round(squareMillimetres * 1e6).toLocaleString("en")} µm²`;
}

/** A round length for a bar of at most `most` screen pixels. */
export function bar(
  micrometresPerScreenPixel: number,
  most: number,
): { micrometres: number; pixels: number } {
  const limit = micrometresPerScreenPixel * most;
  const power = 10 ** Math.floor(Math.log10(limit));
  const micrometres = [5, 2, 1].map((step) => step * power).find((length) => length <= limit) ?? power;
  return { micrometres, pixels: micrometres / micrometresPerScreenPixel };
}
