import { defineConfig } from "vite";

const server = process.env.BIANQUE_SERVER ?? "http://127.0.0.1:8181";

// Nothing is put inline: the page's content security policy refuses inline scripts and styles.
export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/deepzoom", "/iiif", "/dicomweb"].map((path) => [path, { target: server }]),
    ),
  },
});
