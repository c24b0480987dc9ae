import { describe, expect, it } from "vitest";
import { added, changed, type Place, without } from "./places";

const labels = (places: Place[]) => places.map((place) => place.label);

describe("places of slides in a case", () => {
  it("are numbered block by block until somebody types a label", () => {
    let places = added(added([], "x", "HE"), "y", "PAS");
    expect(labels(places)).toEqual(["A1-1", "A1-2"]);
    places = changed(places, "y", { block: "A2" });
    expect(labels(places)).toEqual(["A1-1", "A2-1"]);
    places = changed(places, "x", { label: "frozen" });
    places = added(changed(places, "x", { block: "B" }), "z", "HE");
    expect(labels(places)).toEqual(["frozen", "A2-1", "A2-2"]);
    expect(labels(without(places, "y"))).toEqual(["frozen", "A2-1"]);
  });

  it("begin as the last one has it, but for the stain", () => {
    const places = added(changed(added([], "x", "HE"), "x", { organ: "colon" }), "y", "PAS");
    expect(places[1]).toMatchObject({ organ: "colon", specimen: "A", stain: "PAS" });
  });
});
