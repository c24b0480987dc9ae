// The audit speaks in fixed names; here they are in words. A name that is not known is shown as it came.
import { language } from "../state";

type InBoth = readonly [english: string, chinese: string];

const deeds: Record<string, InBoth> = {
  "chain.opened": ["Audit begun", "审计链开始"],
  login: ["Login", "登录"],
  logout: ["Logout", "退出"],
  "role.changed": ["Went on in another role", "切换角色"],
  "account.added": ["Account added", "添加账户"],
  "account.roles": ["Roles set", "设置角色"],
  "account.activity": ["Account opened or closed", "启用或停用账户"],
  "accounts.read": ["Accounts read", "查看账户"],
  "link.issued": ["Password link issued", "发出密码链接"],
  "link.used": ["Password link used", "使用密码链接"],
  "service-token.issued": ["Program's token issued", "发出程序令牌"],
  "service-token.revoked": ["Program's token revoked", "撤销程序令牌"],
  "audit.read": ["Audit read", "查看审计"],
  "patient.added": ["Patient added", "登记患者"],
  "consent.recorded": ["Consent recorded", "记录同意"],
  "case.added": ["Case added", "登记病例"],
  "material.added": ["Material added", "登记标本"],
  "slide.moved": ["Slide put into another case", "切片移入其他病例"],
  "case.assigned": ["Case assigned", "分配病例"],
  "case.read": ["Case read", "查看病例"],
  "worklist.read": ["Worklist read", "查看工作列表"],
  "proposal.added": ["Proposal added", "提出建议"],
  "proposals.read": ["Proposals read", "查看建议"],
  "decision.made": ["Decision made", "作出判定"],
  "decision.adjudicated": ["Difference settled", "裁定分歧"],
  "decision.amended": ["Decision changed", "更改判定"],
  "decisions.read": ["Decisions read", "查看判定"],
  "case.signed": ["Case signed", "签发病例"],
  "case.reopened": ["Case reopened", "重新打开病例"],
  "discrepancy.closed": ["Discrepancy closed", "结束不一致"],
  "discrepancies.read": ["Discrepancies read", "查看不一致"],
  "released.read": ["Signed report read", "查看已签发报告"],
  "released.exported": ["Signed report exported", "导出已签发报告"],
  "unconfirmed.exported": ["Unconfirmed content exported", "导出未确认内容"],
  "reading.committed": ["Reading fixed", "固定阅片结果"],
  "proposals.revealed": ["AI shown to the reader", "向医师显示 AI"],
  "slide.opened": ["Slide opened", "打开切片"],
  "slides.listed": ["Slides listed", "列出切片"],
  "slide.examined": ["Slide examined", "完成切片分析"],
  "views.read": ["Views read", "查看浏览记录"],
  "documents.read": ["DICOM documents read", "查看 DICOM 文档"],
  "instance.stored": ["DICOM instance stored", "存入 DICOM 实例"],
  "action.refused": ["Turned away", "拒绝操作"],
  "setting.changed": ["Setting changed", "更改设置"],
  "lessons.read": ["Decisions read for a fit", "为拟合读取判定"],
  "head.refitted": ["Head fitted again", "重新拟合分类头"],
  "head.activated": ["Head put into use", "启用分类头"],
};

const outcomes: Record<string, InBoth> = {
  done: ["done", "完成"],
  refused: ["refused", "被拒绝"],
};

const things: Record<string, InBoth> = {
  account: ["account", "账户"],
  accounts: ["accounts", "账户"],
  audit: ["audit", "审计"],
  case: ["case", "病例"],
  head: ["head", "分类头"],
  lessons: ["decisions", "判定"],
  task: ["task", "任务"],
  discrepancies: ["discrepancies", "不一致"],
  discrepancy: ["discrepancy", "不一致"],
  effort: ["reading time", "阅片用时"],
  patient: ["patient", "患者"],
  proposal: ["proposal", "建议"],
  queue: ["queue", "队列"],
  readers: ["readers", "医师"],
  record: ["record", "记录"],
  "service-token": ["token", "令牌"],
  "service-tokens": ["tokens", "令牌"],
  setting: ["setting", "设置"],
  slide: ["slide", "切片"],
  slides: ["slides", "切片"],
  "slide-file": ["slide", "切片"],
  worklist: ["worklist", "工作列表"],
};

function of(words: Record<string, InBoth>, name: string): string {
  const known = Object.hasOwn(words, name) ? words[name] : undefined;
  return known ? known[language.get() === "zh" ? 1 : 0] : name;
}

/** Every event by its name, for choosing one. */
export const eventNames = Object.keys(deeds);

export const deedName = (event: string) => of(deeds, event);
export const outcomeName = (outcome: string) => of(outcomes, outcome);
export const thingName = (kind: string | null) => of(things, kind ?? "");
