import { defineConfig } from "@playwright/test";
import shared from "../playwright.config";

export default defineConfig({
  ...shared,
  testDir: ".",
  testMatch: "*.bench.ts",
  globalSetup: "../e2e/site.ts",
});
