import type { Circle } from "ol/style";
import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { outlineOf, POINT_RADIUS, styleOf } from "./finding-style";

const finding = (more: Partial<Finding>) =>
  ({ state: "accepted", by_person: true, outline: null, point: null, quality: null, ...more }) as Finding;

describe("a point on the slide", () => {
  const point = finding({ point: [5, 6] });

  it("has no outline to be drawn or counted", () => {
    expect(outlineOf(point)).toEqual([]);
  });

  it("is a ring of the same size at every zoom, chosen or not", () => {
    for (const selected of [false, true]) {
      const styles = styleOf({ finding: point, color: "#b2182b", selected });
      const rings = styles.map((style) => style.getImage() as Circle);
      expect(rings.every((ring) => ring.getRadius() === POINT_RADIUS)).toBe(true);
      expect(styles.every((style) => style.getStroke() === null)).toBe(true);
    }
  });

  it("is no ring where there is an outline", () => {
    const outline = finding({ outline: [] });
    const styles = styleOf({ finding: outline, color: "#b2182b", selected: false });
    expect(styles.every((style) => style.getImage() === null)).toBe(true);
  });
});
