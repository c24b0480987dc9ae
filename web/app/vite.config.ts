import { defineConfig } from "vite";

/** As the binary sends it: what works here works there. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
  "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const server = process.env.BIANQUE_SERVER ?? "http://127.0.0.1:8080";

const proxy = Object.fromEntries(
  ["/api", "/deepzoom", "/iiif", "/dicomweb", "/outputs"].map((path) => [path, { target: server }]),
);

// Nothing is put inline: the page's content security policy refuses inline scripts and styles.
export default defineConfig({
  base: "/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
  server: { port: 5173, proxy },
  preview: { port: 4173, proxy, headers: { "content-security-policy": policy } },
});
