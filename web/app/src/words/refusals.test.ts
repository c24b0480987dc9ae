// The server's sources are read: a refusal that a person at a browser can meet must have its Chinese.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { refusalInChinese } from "./refusals";

const crates = resolve(import.meta.dirname, "../../../../crates");

/** Said to programs, or to whoever starts the server, and never to a person at a page of ours. */
const notHere = [
  /^record\/src\/(database|audit|identity\/token|migration|release\/(version|discrepancy)|objects|lib|store)/,
  /^server\/src\/(dicomweb|serve|error|tls|tiles|log|sign_on\/(settings|fetch)|examine)/,
  /^server\/src\/routes\/(dicomweb|store|iiif|deep_zoom|metrics|health|sign_on)\.rs/,
];
/** Words of programmers inside those files, which no answer carries. */
const inner = [
  /^(audit (head|entry)|case version|evidence of|with this name|closed, or not this role|no such rank)$/,
  /^((the database|the object store) (cannot|has|was)|migration |cannot |the stored |there is no room)/,
  /^(single sign-on|they are longer than|\{\} ?, |, |it is (gone|no ))/,
];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return entry.name.endsWith(".rs") ? [path] : [];
  });
}

/** What stands between a call's brackets. */
function inside(text: string, from: number): string {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const one = text[at] as string;
    if (quoted) {
      if (one === "\\") at++;
      else if (one === '"') quoted = false;
    } else if (one === '"') quoted = true;
    else if ("([{".includes(one)) depth++;
    else if (")]}".includes(one) && --depth === 0) return text.slice(from, at);
  }
  return text.slice(from);
}

function literals(code: string): string[] {
  return [...code.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)].map(([, body = ""]) =>
    body
      .replace(/\\\n\s*/g, "")
      .replace(/\\(["\\])/g, "$1")
      .replace(/\{[^{}]*\}/g, "{}"),
  );
}

const refusing =
  /(?:Refusal::\w+|RecordError::\w+|forbidden|invalid|not_found|Err|wrong|Some|ok_or_else|ok_or)\(|#\[error\(/g;

function sentencesOf(file: string): string[] {
  const [text = ""] = readFileSync(file, "utf8").split("#[cfg(test)]\nmod tests");
  const said = [...text.matchAll(refusing)].flatMap((call) =>
    literals(inside(text, call.index + call[0].length - 1)),
  );
  const named = [...text.matchAll(/let (?:why|what|detail) =([\s\S]*?);\n/g)].flatMap(([, body = ""]) =>
    literals(body),
  );
  return [...said, ...named].filter((one) => / /.test(one) && /[a-z]{2}/.test(one) && !/^[A-Z]/.test(one));
}

const found = ["server/src", "record/src"]
  .flatMap((folder) => files(join(crates, folder)))
  .map((file) => ({ file: relative(crates, file), path: file }))
  .filter(({ file }) => !notHere.some((pattern) => pattern.test(file)))
  .flatMap(({ file, path }) => sentencesOf(path).map((sentence) => ({ file, sentence })));

describe("what the server refuses", () => {
  it("is said in Chinese, all of it", () => {
    expect(found.length).toBeGreaterThan(100);
    const missing = found
      .filter(({ sentence }) => !inner.some((pattern) => pattern.test(sentence)))
      .filter(({ sentence }) => refusalInChinese(sentence.replaceAll("{}", "x1")) === null)
      .map(({ file, sentence }) => `${file}: ${sentence}`);
    expect([...new Set(missing)]).toEqual([]);
  });

  it("keeps what it names", () => {
    expect(refusalInChinese("a technician may not sign a case: the permission table does not allow it")).toBe(
      "技师不能签发病例：权限表不允许。",
    );
    expect(refusalInChinese("no such slide of this case")).toBe("没有这样的此病例的切片。");
    expect(refusalInChinese("password: it must have 12 to 256 bytes")).toBe("密码：须为 12 至 256 字节");
    expect(refusalInChinese("the login name 'lin' is taken")).toBe("用户名“lin”已被使用。");
    expect(
      refusalInChinese("2 proposals stand against signing; the first is 01ab ('tumour', disputed)"),
    ).toBe("2 项所见尚未处理，不能签发；第一项：01ab（“tumour”，有分歧）。");
    expect(refusalInChinese("a proposal that is released cannot be decided")).toContain(
      "“已签发”，不能再判定",
    );
    expect(refusalInChinese("Tiger: burning bright")).toBeNull();
  });
});
