import "./style/base.css";
import "./style/shell.css";
import "./style/pages.css";
import "./style/compare.css";
import "./style/report.css";
import "./style/case.css";
import "./style/keys.css";
import "./style/panel.css";
import "./style/improvement.css";
import "./style/register.css";
import "./style/signed.css";
import "./style/print.css";
import { type ComponentChildren, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCell } from "./cell";
import { Audit } from "./pages/audit";
import { PatientPage } from "./pages/case/patient";
import { Cost } from "./pages/cost";
import { Discrepancies } from "./pages/discrepancies";
import { ImprovementPage } from "./pages/improvement/index";
import { FirstAdministrator, Login, NewPassword } from "./pages/login";
import { People } from "./pages/people";
import { RegisterPage } from "./pages/register/index";
import { ReportPage } from "./pages/report";
import { SignedCases } from "./pages/signed/index";
import { SignedCase } from "./pages/signed/report";
import { Worklist } from "./pages/worklist";
import { useRoute } from "./route";
import { Shell } from "./shell";
import { may, session, start, takeSession } from "./state";
import { useSay } from "./words";

/** The viewer is the heavy half of the app: it comes while the worklist is being read. */
const viewer = () => import("./pages/with-viewer");
type Pages = Awaited<ReturnType<typeof viewer>>;

function WithViewer({ show }: { show: (pages: Pages) => ComponentChildren }) {
  const say = useSay();
  const [failed, setFailed] = useState(false);
  const [pages, setPages] = useState<Pages | null>(null);
  useEffect(() => {
    viewer().then(setPages, () => setFailed(true));
  }, []);
  // A page left open over an update asks for a file that is gone: only loading anew helps.
  if (failed)
    return (
      <main class="gate">
        <button type="button" onClick={() => location.reload()}>
          {say("tryAgain")}
        </button>
      </main>
    );
  return pages ? show(pages) : <p class="quiet waiting">{say("loading")}</p>;
}

function App() {
  const say = useSay();
  const now = useCell(session);
  const { path, query } = useRoute();
  const [unreachable, setUnreachable] = useState(false);
  const begin = () =>
    takeSession().then(
      () => setUnreachable(false),
      () => setUnreachable(true),
    );
  useEffect(() => {
    void begin();
  }, []);
  if (path[0] === "first-administrator") return <FirstAdministrator token={query.get("token") ?? ""} />;
  if (path[0] === "password") return <NewPassword token={query.get("token") ?? ""} />;
  if (now === null)
    return (
      <main class="gate">
        <p class="quiet" role="status">
          {unreachable ? say("unreachable") : say("loading")}
        </p>
        {unreachable && (
          <button type="button" onClick={() => void begin()}>
            {say("tryAgain")}
          </button>
        )}
      </main>
    );
  if (now.me === null) return <Login />;
  const key = `${now.me.id} ${now.me.role}`;
  if (path.length === 0 || path[0] === "login") return <Home key={key} />;
  if (path[0] === "case" && path[1]) {
    const id = path[1];
    if (path.length === 2)
      return (
        <WithViewer
          key={`${key}${id}`}
          show={({ CasePage }) => <CasePage id={id} at={query.get("finding")} />}
        />
      );
    if (path[2] === "report") return <ReportPage key={key} id={id} />;
    if (path[2] === "patient") return <PatientPage key={key} id={id} />;
    if (path[2] === "compare")
      return <WithViewer key={`${key}${id} compare`} show={({ Compare }) => <Compare id={id} />} />;
  }
  if (path[0] === "audit") return <Audit key={key} />;
  if (path[0] === "signed")
    return path[1] ? <SignedCase key={`${key}${path[1]}`} id={path[1]} /> : <SignedCases key={key} />;
  if (path[0] === "discrepancies") return <Discrepancies key={key} />;
  if (path[0] === "register") return <RegisterPage key={key} />;
  if (path[0] === "cost") return <Cost key={key} />;
  if (path[0] === "improvement") return <ImprovementPage key={key} />;
  if (path[0] === "people") return <People key={key} />;
  return (
    <Shell page="">
      <p class="empty">{say("notFound")}</p>
    </Shell>
  );
}

/** Where a role begins its day: nobody is sent to a page that is closed to them. */
function Home() {
  const say = useSay();
  if (may("read-worklist")) return <Worklist />;
  if (may("read-released")) return <SignedCases />;
  if (may("manage-accounts")) return <People />;
  if (may("read-audit")) return <Audit />;
  return (
    <Shell page="">
      <p class="empty">{say("nothingForRole")}</p>
    </Shell>
  );
}

start();
setTimeout(() => viewer().catch(() => undefined), 1500);
const root = document.getElementById("app");
if (root) render(<App />, root);
