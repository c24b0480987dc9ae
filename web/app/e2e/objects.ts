// Objects by the million, as somebody puts in a file of nuclei.
import type { Page } from "@playwright/test";
import { demo } from "./steps";

/** Clusters as tissue has them, with some strewn between: the same objects in every run. */
export function objects(count: number, width: number, height: number, classes: number): Buffer {
  const file = Buffer.alloc(8 + count * 9);
  file.writeUInt32LE(0x31414e42, 0);
  file.writeUInt32LE(count, 4);
  let seed = 20261128;
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };
  const middles = Array.from(
    { length: 60 },
    () => [next() * width, next() * height, 200 + next() * 900] as const,
  );
  for (let i = 0; i < count; i++) {
    const [x, y, spread] = middles[i % middles.length] as (typeof middles)[number];
    const strewn = i % 10 === 0;
    const angle = next() * 2 * Math.PI;
    const far = spread * Math.sqrt(-2 * Math.log(1 - next() * 0.9999));
    const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
    file.writeFloatLE(strewn ? next() * width : clamp(x + far * Math.cos(angle), width), 8 + i * 8);
    file.writeFloatLE(strewn ? next() * height : clamp(y + far * Math.sin(angle), height), 12 + i * 8);
    file.writeUInt8(Math.floor(next() * classes), 8 + count * 8 + i);
  }
  return file;
}

/** Puts objects on the first slide of a case, once. */
export async function putObjects(
  page: Page,
  address: string,
  count: number,
  about = "key=nuclei-1&label=nuclei&classes=a,b,c,d",
): Promise<void> {
  const { csrf } = await (await page.request.get(`${demo}/api/v1/session`)).json();
  const id = address.split("/").pop();
  const [slide] = (await (await page.request.get(`${demo}/api/v1/cases/${id}`)).json()).slides;
  const answer = await page.request.post(
    `${demo}/api/v1/cases/${id}/slides/${slide.id}/annotations?${about}`,
    {
      headers: { "x-csrf-token": csrf, "content-type": "application/octet-stream" },
      data: objects(
        count,
        slide.image.width,
        slide.image.height,
        about.match(/classes=([^&]*)/)?.[1]?.split(",").length ?? 1,
      ),
    },
  );
  if (!answer.ok()) throw new Error(await answer.text());
}
