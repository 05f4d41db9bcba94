import assert from "node:assert/strict";
import test from "node:test";
import { layerWords, pageOf, place, shown, step } from "../../bearwidgets/frontend/src/layers/steps.js";

test("keys lead over rows and columns and stop at the edges", () => {
  assert.equal(step("ArrowRight", 3, 10, 4), 4);
  assert.equal(step("ArrowRight", 9, 10, 4), 9);
  assert.equal(step("ArrowDown", 3, 10, 4), 7);
  assert.equal(step("ArrowDown", 7, 10, 4), 7, "there is no tile below");
  assert.equal(step("ArrowUp", 2, 10, 4), 2);
  assert.equal(step("ArrowDown", 0, 3, 1), 1);
  assert.equal(step("Home", 7, 10, 4), 0);
  assert.equal(step("End", 7, 10, 4), 9);
  assert.equal(step("a", 7, 10, 4), null);
});

test("pages of channels", () => {
  assert.equal(pageOf(50, 100, 48), 48);
  assert.equal(pageOf(-48, 100, 48), 0);
  assert.equal(pageOf(150, 100, 48), 96);
  assert.equal(pageOf(48, 48, 48), 0);
  assert.equal(shown(96, 100, 48), "96–99 of 100");
  assert.equal(shown(0, 0, 48), "");
});

test("a box in percent, a layer in words", () => {
  assert.deepEqual(place([0, 56, 112, 168], 224), { left: "0%", top: "25%", width: "50%", height: "50%" });
  assert.equal(layerWords({ name: "conv_stem", channels: 32, field: [3, 5] }), "conv_stem · 32 channels · sees 5 × 3 px");
});
