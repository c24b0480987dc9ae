// A file of objects as the server sends it, made for tests.
export function file(points: [number, number, number][]): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + points.length * 9);
  const view = new DataView(buffer);
  view.setUint32(0, 0x31414e42, true);
  view.setUint32(4, points.length, true);
  points.forEach(([x, y, kind], i) => {
    view.setFloat32(8 + i * 8, x, true);
    view.setFloat32(12 + i * 8, y, true);
    view.setUint8(8 + points.length * 8 + i, kind);
  });
  return buffer;
}
