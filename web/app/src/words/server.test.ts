import { afterEach, describe, expect, it, vi } from "vitest";

vi.stubGlobal("navigator", { language: "en-GB" });
const { language } = await import("../state");
const { Problem } = await import("../api/client");
const { findingName, kindName, sayIn } = await import(".");
const { saidByServer, whyNot } = await import("./server");

afterEach(() => language.set("en"));

describe("what the server says", () => {
  const en = sayIn("en");
  const zh = sayIn("zh");

  it("is said in the reader's words, with its numbers", () => {
    const few =
      "3 decisions on 1 cases are too few or too alike: at least two sorts of them (a label that was confirmed, " +
      "another label, a refusal) are needed, each on two cases or more, so that one part can be learned from and " +
      "the other judged by";
    expect(saidByServer(en, few)).toContain("Usable decisions: 3; cases with such: 1.");
    expect(saidByServer(zh, `${few} (7 more cannot be used)`)).toMatch(/3 项.*1 个病例.*7 项不可用/);
    expect(saidByServer(zh, "it broke off")).toBe("因程序故障而中断，详情见服务器日志。");
    const agrees = "the decisions are what the task's own head says already: refitting changes nothing";
    expect(saidByServer(zh, agrees)).toMatch(/不会带来任何改变/);
    const back = "to have it back, take the task's own head into use again";
    expect(saidByServer(zh, `${agrees}; ${back}`)).toMatch(/重新启用自带分类头/);
    const worse = "the head is worse on the held-out decisions than the one that it was to replace";
    expect(saidByServer(zh, `${worse}: say why all the same`)).toBe("需要写明理由。");
  });

  it("is shown as it came where it is not known", () => {
    language.set("zh");
    expect(saidByServer(zh, "something quite new happened")).toBe("something quite new happened");
    language.set("en");
    expect(saidByServer(en, "the disk is full; nothing was half done")).toBe(
      "the disk is full; nothing was half done",
    );
  });

  it("names a dropped line and a role that may not", () => {
    expect(whyNot(zh, new Problem(0, "unreachable", ""))).toBe("无法连接服务器，请重试。");
    expect(whyNot(en, new Problem(403, "Not allowed", "…"))).toBe("Your role does not allow this.");
    expect(whyNot(en, new Error("x"))).toBe("That did not work");
  });
});

describe("many points in one finding", () => {
  const one = { label: null, headline: "nuclei: 300000 points" };
  const known = [{ name: "nuclei", en: "Nuclei", zh: "细胞核", color: "#000000", lesion: false }];

  it("are named in the reader's language", () => {
    expect(findingName(sayIn("en"), [], one)).toBe("nuclei: 300,000 points");
    expect(findingName(sayIn("en"), known, one)).toBe("Nuclei: 300,000 points");
    language.set("zh");
    expect(findingName(sayIn("zh"), known, one)).toBe("细胞核：300,000 个点");
    expect(kindName(sayIn("zh"), "bulk-points")).toBe("对象");
  });
});
